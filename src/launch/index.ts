export type { LaunchEvent } from './events.js';
export { type Launched, type LaunchOptions, launchLocal } from './launch-local.js';
export { launchRank, type RankOptions } from './launch-rank.js';
export type { Culprit, StopMessage, WorkerMessage } from './messages.js';
export type { Exit, StreamName } from './worker-process.js';
