import type { Positioned } from '../../dataset/index.js';
import { ShardfeedError } from '../../errors.js';
import type { Batch } from '../../records/batch.js';
import type { BestBy } from '../checkpoint/index.js';
import type { ProcessGroup } from '../collective/process-group.js';
import type { EpochLog } from '../history.js';
import { MetricCounts } from '../metrics/index.js';
import { BEHIND_GRADIENTS } from '../parameters.js';
import { checkSeed } from '../random/index.js';
import { rowsThatCount } from '../rows-that-count.js';
import type { ModelMaker, StepModel, StepSums } from '../step-model.js';
import { everyEpochs, type Progress, type Trigger } from '../triggers.js';
import { Updater } from '../update.js';
import { gatherStates, meanState } from './averaged-state.js';
import { checkAlike, checkWeights, digestOf } from './check-alike.js';
import { evaluateData, UNSHUFFLED } from './evaluate.js';
import type { Callbacks, Ended, FitOptions, FitResult } from './fit-options.js';
import { endOf, RankBatches } from './rank-batches.js';
import { Reporter, type StepEvent } from './reporter.js';
import { type OpenedData, openData } from './train-data.js';
import { resumeTraining, type Standing, saveTraining, type Trained } from './training-state.js';

/** Rows that are left free between the ranks' rows where nobody knows how many a rank has: they only number what is random. */
const UNKNOWN_ROWS = 2 ** 20;

/** With a model that a rank can make. */
type TrainerOptions = FitOptions & { readonly model: ModelMaker };

/** A training on one rank. All ranks make the same calls to the group in the same order, as they decide by what was reduced. */
export class Trainer implements Trained {
  readonly group: ProcessGroup;
  readonly model: StepModel;
  readonly updater: Updater;
  readonly counts: MetricCounts;
  readonly seed: number;
  readonly fingerprint: string | undefined;
  readonly standing: Standing = { step: 0, epoch: 0, batches: 0, position: undefined, history: [] };
  readonly #options: FitOptions;
  readonly #data: OpenedData;
  readonly #validation: OpenedData | undefined;
  readonly #callbacks: readonly Callbacks[];
  readonly #reporter: Reporter;
  readonly #signal: AbortSignal;
  readonly #stopRequested: () => boolean;
  readonly #started = performance.now();
  readonly #checkpointEvery: Trigger;
  /** Rank 0's seconds, as all ranks were told with the last update, and those at the last checkpoint. */
  #seconds = 0;
  #savedSeconds = 0;
  #savedStep = 0;
  #first = true;
  /** The last batch that this rank had, with all rows masked: what it joins the others' steps with when it has no more. */
  #without: Batch | undefined;

  /** Makes the model, and brings all ranks to the same weights: those of a checkpoint, or rank 0's initial ones. */
  static async start(group: ProcessGroup, options: TrainerOptions, stopRequested: () => boolean): Promise<Trainer> {
    group.enter('load', 0);
    const model = await options.model(group);
    const trainer = new Trainer(group, model, options, stopRequested);
    await trainer.#alike();
    const resumed = options.checkpoint !== undefined && (await resumeTraining(trainer, options.checkpoint));
    if (!resumed) {
      for (const array of [model.weights, model.state]) if (array.length > 0) await group.broadcast(array);
      model.changed();
    }
    trainer.#savedStep = trainer.standing.step;
    return trainer;
  }

  private constructor(group: ProcessGroup, model: StepModel, options: FitOptions, stopRequested: () => boolean) {
    const { optimizer, metrics = [], clip, notFinite, seed = 0, validation, callbacks = [], checkpoint } = options;
    this.group = group;
    this.model = model;
    this.seed = checkSeed(seed);
    this.#options = options;
    this.#data = openData('fit', options, group.worldSize, { seed });
    this.fingerprint = this.#data.fingerprint;
    if (validation !== undefined) {
      const { globalBatchSize } = this.#data;
      const defaults = { ...UNSHUFFLED, ...(globalBatchSize && { globalBatchSize }) };
      this.#validation = openData('validation', validation, group.worldSize, defaults);
    }
    const frozen = frozenBy(model, options.frozen ?? []);
    this.updater = new Updater(group, model, optimizer, {
      frozen,
      ...(clip && { clip }),
      ...(notFinite && { notFinite }),
    });
    this.counts = new MetricCounts(model.lastEvaluation === undefined ? [] : metrics);
    if (checkpoint?.best !== undefined) {
      const measured = validation === undefined ? [] : new MetricCounts(metrics).parts.map(({ name }) => `val_${name}`);
      checkBest(checkpoint.best, [...this.counts.parts.map(({ name }) => name), ...measured]);
    }
    this.#callbacks = [callbacks].flat();
    this.#reporter = new Reporter(group, 4 * (model.layout.size + BEHIND_GRADIENTS));
    this.#signal = endOf(group, options.signal);
    this.#stopRequested = stopRequested;
    this.#checkpointEvery = checkpoint?.every ?? everyEpochs();
  }

  async run(): Promise<FitResult> {
    const { model, standing } = this;
    await this.#tell((callbacks) => callbacks.onStart?.({ model, step: standing.step, epoch: standing.epoch }));
    // A training that had come to its end has nothing left to do; one that begins has made no progress to be asked about.
    const { step, batches } = standing;
    let ended: Ended | undefined = step > 0 && this.#over(this.#progress(batches === 0)) ? 'complete' : undefined;
    if (ended !== undefined) this.#tellOfEnd();
    while (ended === undefined) ended = await this.#epoch();

    const history = [...standing.history];
    if (standing.step > this.#savedStep) await this.#save();
    if (ended === 'complete' && standing.batches > 0) history.push(await this.#log(true));
    model.state.set(meanState(await gatherStates(this.group, model), model.state.length));
    model.changed();
    const { step: last, epoch } = standing;
    const result: FitResult = { model, history, step: last, newSteps: last - step, epoch, ended };
    await this.#tell((callbacks) => callbacks.onEnd?.(result));
    return result;
  }

  #tellOfEnd(): void {
    if (this.group.rank !== 0) return;
    const { step, epoch } = this.standing;
    const what = `nothing was trained: the training in ${this.#options.checkpoint!.folder} had come to its end, at step ${step}, after ${epoch} ${epoch === 1 ? 'epoch' : 'epochs'}`;
    const advice = 'to go on, ask for more epochs or steps; to begin anew, name another folder';
    process.emitWarning(`${what}; ${advice}`, 'ShardfeedWarning');
  }

  /** What is left of the epoch under way; undefined if there are more to come. */
  async #epoch(): Promise<Ended | undefined> {
    const { standing } = this;
    await using batches = await this.#open();
    for (;;) {
      const { epochEnd, stop } = await this.#step(batches);
      if (epochEnd) await this.#endEpoch();
      const progress = this.#progress(epochEnd);
      if (stop) return 'stopped';
      if (this.#over(progress)) return 'complete';
      if (this.#checkpointEvery(progress) && standing.step > this.#savedStep) await this.#save();
      if (epochEnd) return undefined;
    }
  }

  /** Opens the epoch where it stands. */
  async #open(): Promise<RankBatches> {
    const { rank, worldSize } = this.group;
    const { epoch, position, batches } = this.standing;
    const start = { rank, worldSize, epoch, ...(position !== undefined && { position }) };
    const opened = new RankBatches((signal) => this.#data.source({ ...start, signal }), this.#signal);
    // Without positions, what was used before is read again.
    if (position === undefined) for (let i = 0; i < batches; i++) await opened.take();
    return opened;
  }

  /** One update, of one batch or several. */
  async #step(batches: RankBatches): Promise<{ epochEnd: boolean; stop: boolean }> {
    const { group, model, updater, standing } = this;
    const { step, epoch, history } = standing;
    this.#signal.throwIfAborted();
    group.enter(this.#first ? 'first-step' : 'step', step);
    this.#first = false;
    const begun = performance.now();
    const waited = batches.waitedMs;
    const counted = this.#options.notFinite === 'skip' ? this.counts.counts.slice() : undefined;
    const { sums, used, rows } = await this.#compute(batches);
    const ended = await batches.ended();
    const seconds = group.rank === 0 ? (performance.now() - this.#started) / 1000 : 0;
    const told = [this.#stopRequested(), ended, used].map(Number);
    const update = await updater.apply(sums, { told: [...told, seconds], history });
    if (!update.skipped) model.changed();
    // Metrics of what was left out would be no numbers either.
    else if (counted !== undefined) this.counts.counts.set(counted);

    const [stops, ends, usedByAll] = update.told as [number, number, number];
    this.#seconds = update.told[3]!;
    const epochEnd = ends === group.worldSize;
    if (epochEnd && usedByAll === 0 && standing.batches === 0) throw noBatches(epoch);
    if (usedByAll > 0) {
      standing.step++;
      standing.batches += this.#options.accumulate ?? 1;
      if (group.rank === 0 && Number.isFinite(update.loss)) {
        this.counts.add({ loss: update.loss * update.weight, weight: update.weight });
      }
      const { loss, weight, norm, skipped, allReduceMs } = update;
      const event: StepEvent = {
        ...{ rank: group.rank, step, epoch, loss, weight, gradientNorm: norm, skipped, rows, allReduceMs },
        waitMs: batches.waitedMs - waited,
        stepMs: performance.now() - begun,
      };
      this.#reporter.step(event);
      await this.#tell((callbacks) => callbacks.onStep?.(event));
      const every = this.#options.checkWeightsEvery ?? 0;
      if (every > 0 && standing.step % every === 0) await checkWeights(group, model.weights, step);
    }
    return { epochEnd, stop: stops > 0 };
  }

  /** Gradients of the batches of an update; zeros where there are no more. */
  async #compute(batches: RankBatches): Promise<{ sums: StepSums; used: number; rows: number }> {
    const { group, model, updater, standing, seed } = this;
    const { accumulate = 1 } = this.#options;
    const { globalBatchSize } = this.#data;
    const state = this.#options.notFinite === 'skip' ? model.state.slice() : undefined;
    let sums: StepSums | undefined;
    let used = 0;
    let rows = 0;
    for (let i = 0; i < accumulate; i++) {
      const taken = await batches.take();
      const batch = taken ?? (model.collective ? this.#without : undefined);
      if (batch === undefined) break;
      if (sums !== undefined) updater.hold(sums);
      const perStep = globalBatchSize ?? UNKNOWN_ROWS * group.worldSize;
      const firstRow = i * perStep + Math.floor((group.rank * perStep) / group.worldSize);
      sums = await model.step(batch, { step: standing.step, seed, firstRow });
      if (this.counts.hasMetrics) this.counts.updateMetrics(model.lastEvaluation!());
      if (taken === undefined) continue;
      standing.position = (batch as Partial<Positioned<Batch>>).position;
      if (model.collective) this.#without = { ...batch, mask: new Uint8Array(batch.size) };
      used++;
      rows += rowsThatCount(batch.mask);
    }
    if (state !== undefined && !model.state.every(Number.isFinite)) {
      model.state.set(state);
      model.changed();
    }
    if (sums !== undefined) return { sums, used, rows };
    model.gradients.fill(0);
    return { sums: { loss: 0, weight: 0 }, used, rows };
  }

  async #endEpoch(): Promise<void> {
    const { standing, counts } = this;
    const { validation, steps = Number.POSITIVE_INFINITY } = this.#options;
    const done = standing.epoch + 1;
    const validated = done % (validation?.every ?? 1) === 0 || done === this.#epochs || standing.step >= steps;
    const log = await this.#log(validated);
    standing.history.push(log);
    standing.epoch++;
    standing.batches = 0;
    standing.position = undefined;
    counts.reset();
    await this.#tell((callbacks) => callbacks.onEpoch?.(log));
  }

  /** What the epoch came to so far. */
  async #log(validate: boolean): Promise<EpochLog> {
    const { group, model, standing, counts } = this;
    const { epoch, step } = standing;
    const metrics = await counts.results(group);
    if (this.#validation === undefined || !validate) return { epoch, step, metrics };
    group.enter('evaluate', step);
    const found = await evaluateData(group, model, this.#validation, this.#options.metrics ?? [], this.#signal);
    const named = Object.entries(found).map(([name, value]) => [`val_${name}`, value] as const);
    return { epoch, step, metrics: { ...metrics, ...Object.fromEntries(named) } };
  }

  async #save(): Promise<void> {
    const { checkpoint } = this.#options;
    this.#savedStep = this.standing.step;
    this.#savedSeconds = this.#seconds;
    if (checkpoint === undefined) return;
    this.group.enter('checkpoint', this.standing.step);
    const saved = await saveTraining(this, checkpoint);
    if (saved !== undefined) await this.#tell((callbacks) => callbacks.onCheckpoint?.(saved));
  }

  #progress(epochEnd: boolean): Progress {
    const { step, epoch, history } = this.standing;
    const seconds = this.#seconds;
    return { step, epoch, epochEnd, history, seconds, secondsSinceCheckpoint: seconds - this.#savedSeconds };
  }

  /** How many there are at most. */
  get #epochs(): number {
    const { epochs, steps, end } = this.#options;
    return epochs ?? (steps === undefined && end === undefined ? 1 : Number.POSITIVE_INFINITY);
  }

  #over(progress: Progress): boolean {
    const { steps, end } = this.#options;
    return (
      progress.epoch >= this.#epochs || progress.step >= (steps ?? Number.POSITIVE_INFINITY) || end?.(progress) === true
    );
  }

  async #tell(call: (callbacks: Callbacks) => unknown): Promise<void> {
    for (const callbacks of this.#callbacks) await call(callbacks);
  }

  /** @throws SHARDFEED_COLLECTIVE where ranks were started with other data, models or options */
  async #alike(): Promise<void> {
    const { read, epochs, steps, accumulate, notFinite, checkpoint } = this.#options;
    const { layout, stateLayout } = this.model;
    const shapes = [layout, stateLayout].map(({ parameters }) => parameters.map(({ name, shape }) => [name, shape]));
    await checkAlike(this.group, {
      'a dataset with the fingerprint': this.fingerprint ?? null,
      'parameters that hash to': digestOf(Float32Array.from(Buffer.from(JSON.stringify(shapes)))),
      'the options': { read, epochs, steps, accumulate, notFinite, seed: this.seed, folder: checkpoint?.folder },
    });
  }
}

/** Whether a parameter is frozen. @throws SHARDFEED_USAGE for a name that fits none */
function frozenBy({ layout }: StepModel, frozen: readonly string[]): (name: string) => boolean {
  const fits = (name: string, given: string): boolean => name === given || name.startsWith(`${given}/`);
  for (const given of frozen) {
    if (layout.parameters.some(({ name }) => fits(name, given))) continue;
    const known = layout.parameters.map(({ name }) => name).join(', ');
    throw new ShardfeedError('SHARDFEED_USAGE', `frozen: there is no parameter ${given}: there are ${known}`);
  }
  return (name) => frozen.some((given) => fits(name, given));
}

/** @throws SHARDFEED_USAGE for a metric that no epoch will have */
function checkBest({ metric }: BestBy, known: readonly string[]): void {
  if (known.includes(metric)) return;
  const what = `best: there is no metric ${JSON.stringify(metric)}: there are ${known.join(', ')}`;
  throw new ShardfeedError('SHARDFEED_USAGE', what);
}

function noBatches(epoch: number): ShardfeedError {
  return new ShardfeedError(
    'SHARDFEED_USAGE',
    `epoch ${epoch} has no batches on any rank: there is nothing to train on`,
  );
}
