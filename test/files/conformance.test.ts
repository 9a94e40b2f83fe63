import { describe, test } from 'vitest';
import { fileSystemConformance } from '../../src/files/conformance.js';
import { localFileSystem, memoryFileSystem } from '../../src/files/index.js';
import { scratchFolder } from './scratch.js';

const root = await scratchFolder();

describe('local', () => {
  const fs = localFileSystem();
  for (const { name, run } of fileSystemConformance({ open: () => ({ fs, root }) })) test(name, run);
});

describe('memory', () => {
  const fs = memoryFileSystem();
  for (const { name, run } of fileSystemConformance({ open: () => ({ fs, root: '/conformance' }) })) test(name, run);
});
