export { type ReadStagesOptions, readStages } from './read-stages.js';
export { UnpackedParts, type UnpackOptions } from './unpacked-parts.js';
