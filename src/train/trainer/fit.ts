import { isShardfeedError } from '../../errors.js';
import { joinGroup } from '../collective/join-group.js';
import { layersModel } from '../model/index.js';
import type { ModelMaker, StepModel } from '../step-model.js';
import { checkFitOptions, type FitOptions, type FitResult } from './fit-options.js';
import { STOPPED_EXIT_CODE, StopRequest, UNSAVED_EXIT_CODE } from './stop-request.js';
import { Trainer } from './trainer.js';

/**
 * Trains a model on all ranks: each reads its share of every global batch, gradients are added up, and all make the same update. The same
 * script runs on one rank or many.
 *
 * The gradient of a step is the mean over the unmasked rows of the global batch, by their weights, so it does not depend on how rows are
 * dealt; a rank without rows takes part. Weights are the same bits on all ranks. Where `checkpoint` names a folder, training goes
 * on from the newest one there: with as many ranks as before to the same bits, with another number on the same data in the same order.
 * Asked to stop by SIGTERM or the launcher, it writes a checkpoint after the step, and the process ends with code 75; with 143 without `checkpoint`.
 *
 * The model is closed at the end: what it was made of, such as a tf.LayersModel, has the trained weights then; it still predicts.
 *
 * @throws SHARDFEED_USAGE for options; SHARDFEED_NOT_FINITE; SHARDFEED_CHECKPOINT; SHARDFEED_COLLECTIVE where ranks were started differently; what
 * collectives (see ProcessGroup), the model and the dataset throw. The other ranks are told and end too.
 */
export async function fit(options: FitOptions): Promise<FitResult> {
  checkFitOptions(options);
  const { signal } = options;
  const maker = makerOf(options);
  const group = options.group ?? (await joinGroup(signal === undefined ? {} : { signal }));
  const stop = new StopRequest(options.handleSignals ?? true);
  let model: StepModel | undefined;
  const make: ModelMaker = async (of) => {
    model = await maker(of);
    return model;
  };
  try {
    const trainer = await Trainer.start(
      group,
      { ...options, model: make },
      () => stop.requested || group.stopRequested,
    );
    const result = await trainer.run();
    await result.model.close();
    if (result.ended === 'stopped') {
      process.exitCode = options.checkpoint === undefined ? UNSAVED_EXIT_CODE : STOPPED_EXIT_CODE;
    }
    return result;
  } catch (error) {
    const told = isShardfeedError(error, 'SHARDFEED_RANK_FAILED') || isShardfeedError(error, 'SHARDFEED_RANK_TIMEOUT');
    if (!told) await group.fail(error);
    await closeQuietly(model);
    throw error;
  } finally {
    stop.end();
    if (options.group === undefined) await group.close();
  }
}

function makerOf({ model, dataset, prepare }: FitOptions): ModelMaker {
  if (typeof model === 'function') return model;
  // What `prepare` makes of columns is not known here.
  return layersModel(model, dataset === undefined || prepare !== undefined ? {} : { schema: dataset.schema });
}

/** What went wrong before is what the caller is to learn of. */
async function closeQuietly(model: StepModel | undefined): Promise<void> {
  try {
    await model?.close();
  } catch {
    // It may be what failed.
  }
}
