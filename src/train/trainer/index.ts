export { type EvaluateOptions, evaluate } from './evaluate.js';
export { fit } from './fit.js';
export type {
  Callbacks,
  CheckpointOptions,
  Ended,
  FitOptions,
  FitResult,
  ValidationOptions,
} from './fit-options.js';
export type { StepEvent } from './reporter.js';
export type { BatchSource, EpochStart, ReadOptions, TrainData } from './train-data.js';
