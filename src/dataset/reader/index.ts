export { type ReadStagesOptions, readStages, type StepBatch } from './read-stages.js';
export type { PartPlaces, PlacesOfParts, ReaderPart } from './reader-part.js';
