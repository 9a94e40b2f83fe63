import { randomUUID } from 'node:crypto';
import { isShardfeedError, ShardfeedError } from '../../errors.js';
import { FileCommit, joinPath, resolveUri } from '../../files/index.js';
import {
  type CheckpointTensors,
  flatTensors,
  type ListedCheckpoint,
  type LoadedCheckpoint,
  listCheckpoints,
  loadCheckpoint,
  restoreTensors,
  type SavedCheckpoint,
  saveCheckpoint,
} from '../checkpoint/index.js';
import type { ProcessGroup } from '../collective/process-group.js';
import type { EpochLog } from '../history.js';
import type { MetricCounts } from '../metrics/index.js';
import type { StepModel } from '../step-model.js';
import type { Updater } from '../update.js';
import { gatherStates, meanState } from './averaged-state.js';
import { byRank0 } from './by-rank-0.js';
import type { CheckpointOptions } from './fit-options.js';
import { COUNTS, countsOf, countTensors } from './rank-counts.js';

/** Where training stands; the arrays of model, optimizers and metrics besides. */
export interface Standing {
  /** Steps made. */
  step: number;
  /** Epochs that have ended. */
  epoch: number;
  /** Batches of the epoch under way that each rank has used. */
  batches: number;
  /** Of the last of them, where batches have positions. */
  position: unknown;
  history: EpochLog[];
}

/** What a checkpoint is made of. */
export interface Trained {
  readonly group: ProcessGroup;
  readonly model: StepModel;
  readonly updater: Updater;
  /** Of the epoch under way. */
  readonly counts: MetricCounts;
  readonly seed: number;
  readonly fingerprint: string | undefined;
  readonly standing: Standing;
}

interface Extra {
  readonly updates: number;
  readonly batches: number;
  readonly history: readonly EpochLog[];
  /** Who wrote it. */
  readonly jobId?: string;
}

/**
 * Writes a checkpoint at the boundary between two updates; every rank calls it. `state/` is the mean of the ranks' moving statistics, for whoever
 * uses the model; `ranks/` is what each rank has of its own, with which the same number of ranks goes on as if nothing had been.
 */
export async function saveTraining(
  trained: Trained,
  { folder, keep, best, resume }: CheckpointOptions,
): Promise<SavedCheckpoint | undefined> {
  const { group, model, updater, counts, seed, fingerprint, standing } = trained;
  const { step, epoch, batches, position, history } = standing;
  const states = await gatherStates(group, model);
  const allCounts = await group.allGather(counts.counts.slice());
  let saved: SavedCheckpoint | undefined;
  if (group.rank === 0) {
    const extra: Extra = { updates: updater.updates, batches, history, jobId: group.jobId };
    const info = {
      ...{ step, epoch, seed, worldSize: group.worldSize, position, extra },
      ...(fingerprint !== undefined && { fingerprint }),
      // Within an epoch there are none of these weights.
      ...(batches === 0 && history.length > 0 && { metrics: history.at(-1)!.metrics }),
    };
    const tensors = {
      ...tensorsOf(trained, meanState(states, model.state.length), states),
      ...countTensors(counts, allCounts),
    };
    const options = { ...(keep && { keep }), ...(best && { best }), rewind: typeof resume === 'number' };
    saved = await saveCheckpoint(folder, { info, tensors }, options);
  }
  await group.barrier();
  return saved;
}

/**
 * Goes on from a checkpoint, which rank 0 reads and the others are sent; every rank calls it. False where there is none.
 * @throws SHARDFEED_CHECKPOINT for one of another model, optimizer, dataset or seed; see loadCheckpoint; and what the file system says where
 * no checkpoint could be written: all on every rank
 */
export async function resumeTraining(trained: Trained, options: CheckpointOptions): Promise<boolean> {
  const { group, model, updater, counts, standing } = trained;
  let states = new Float32Array(0);
  let allCounts = new Float64Array(0);
  const info = await byRank0(group, async () => {
    await checkWritable(options.folder);
    const loaded = await loadWanted(trained, options);
    if (loaded === undefined) return null;
    checkRun(loaded, trained);
    const { worldSize } = loaded.info;
    states = new Float32Array(worldSize * model.state.length);
    const kept = Object.entries(loaded.tensors).filter(([name]) => !name.startsWith(COUNTS));
    const into = tensorsOf(trained, new Float32Array(model.state.length), states);
    restoreTensors({ ...loaded, tensors: Object.fromEntries(kept) }, into);
    allCounts = countsOf(loaded, counts);
    return loaded.info;
  });
  if (info === null) return false;
  if (group.rank !== 0) {
    states = new Float32Array(info.worldSize * model.state.length);
    allCounts = new Float64Array(info.worldSize * counts.counts.length);
  }
  for (const array of [model.weights, ...Object.values(updater.slots), states, allCounts]) {
    if (array.length > 0) await group.broadcast(array);
  }
  const same = info.worldSize === group.worldSize;
  model.state.set(same ? part(states, group) : meanState(states, model.state.length));
  model.changed();
  if (same) counts.counts.set(part(allCounts, group));
  else if (group.rank === 0) addUp(allCounts, counts.counts);

  const { updates, batches, history } = info.extra as Extra;
  updater.updates = updates;
  Object.assign(standing, {
    step: info.step,
    epoch: info.epoch,
    batches,
    position: info.position,
    history: history.map((log) => ({ ...log, metrics: withNaN(log.metrics) })),
  });
  return true;
}

/** Views of all that is kept, by name. */
function tensorsOf({ model, updater }: Trained, state: Float32Array, states: Float32Array): CheckpointTensors {
  const slots = Object.entries(updater.slots).map(([name, values]) => [`optimizer/${name}`, flat(values)] as const);
  return {
    ...flatTensors('weights/', model.layout, model.weights),
    ...flatTensors('state/', model.stateLayout, state),
    ...Object.fromEntries(slots),
    'ranks/state': flat(states),
  };
}

function flat(values: Float32Array): { shape: number[]; values: Float32Array } {
  return { shape: [values.length], values };
}

/** Writes into the folder what is deleted again: whoever trains for a day is to know now. */
async function checkWritable(folder: string): Promise<void> {
  const { fs, path } = resolveUri(folder);
  try {
    const probe = await FileCommit.begin({ fs, path: joinPath(path, `probe-${randomUUID()}`) });
    await probe.abort();
  } catch (cause) {
    if (!isShardfeedError(cause)) throw cause;
    const what = `no checkpoint can be written in ${folder}: ${cause.message}`;
    throw new ShardfeedError(cause.code, `${what}; give checkpoint another folder, or mend this one`, { path, cause });
  }
}

/**
 * The checkpoint to go on from. A restart of the same job goes on from what it has written itself, wherever it was told to begin.
 * @throws see loadCheckpoint
 */
async function loadWanted(
  { group, fingerprint }: Trained,
  { folder, resume = true }: CheckpointOptions,
): Promise<LoadedCheckpoint | undefined> {
  const of = fingerprint === undefined ? {} : { fingerprint };
  if (resume === true) return loadCheckpoint(folder, of);
  const from = resume === false ? -1 : resume;
  const isOwn = ({ step, info }: ListedCheckpoint): boolean =>
    step > from && (info?.extra as Partial<Extra> | undefined)?.jobId === group.jobId;
  const mine = group.attempt > 0 ? (await listCheckpoints(folder)).find(isOwn) : undefined;
  const step = mine?.step ?? from;
  return step < 0 ? undefined : loadCheckpoint(folder, { ...of, step });
}

function part<A extends Float32Array | Float64Array>(all: A, { rank, worldSize }: ProcessGroup): A {
  const size = all.length / worldSize;
  return all.subarray(rank * size, (rank + 1) * size) as A;
}

/** Adds the ranks' counts up into one rank's. */
function addUp(all: Float64Array, into: Float64Array): void {
  into.fill(0);
  for (let i = 0; i < all.length; i++) into[i % into.length]! += all[i]!;
}

/** JSON has null for what is no number. */
function withNaN(metrics: EpochLog['metrics']): EpochLog['metrics'] {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, value ?? Number.NaN]));
}

function checkRun({ info, path }: LoadedCheckpoint, { seed }: Trained): void {
  if (info.seed === seed) return;
  const what = `the checkpoint ${path} is of a training with seed ${info.seed}, this one has ${seed}: give that seed, or another folder`;
  throw new ShardfeedError('SHARDFEED_CHECKPOINT', what, { path });
}
