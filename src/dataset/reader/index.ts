export { type ReadStagesOptions, readStages } from './read-stages.js';
export { ReadingThreads } from './reading-threads.js';
export { UnpackedParts, type UnpackOptions } from './unpacked-parts.js';
