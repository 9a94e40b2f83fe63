export { type ReadStagesOptions, readStages } from './read-stages.js';
