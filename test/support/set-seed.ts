import fc from 'fast-check';
import { SEED } from './seed.js';

// Goes before each test file: properties draw the same cases in every run.
fc.configureGlobal({ seed: SEED });
