export type { Checkpoint, CheckpointArray, CheckpointInfo, CheckpointTensor, CheckpointTensors } from './checkpoint.js';
export type { ReadCheckpointOptions } from './checkpoint-files.js';
export { flatTensors, restoreTensors } from './flat-tensors.js';
export { type ListedCheckpoint, listCheckpoints, verifyCheckpoints } from './list-checkpoints.js';
export { type LoadCheckpointOptions, type LoadedCheckpoint, loadCheckpoint } from './load-checkpoint.js';
export {
  type BestBy,
  bestOf,
  type SaveCheckpointOptions,
  type SavedCheckpoint,
  saveCheckpoint,
} from './save-checkpoint.js';
