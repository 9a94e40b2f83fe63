import { z } from 'zod';
import { ShardfeedError } from '../../errors.js';
import type { Batch } from '../../records/index.js';
import { checkOptions, type OptionKinds, oneOf } from '../known-options.js';
import { checkPosition, count } from './composite-position.js';
import { nextTurn } from './proportions.js';
import { type Joined, joinSources, openTogether } from './several.js';
import { BatchStream } from './stream.js';

/** Where each stream stands, null at its beginning, the turns that it had, and which of them have ended. */
export interface MixPosition<P> {
  readonly mix: readonly (P | null)[];
  readonly taken: readonly number[];
  readonly ended: readonly boolean[];
}

export interface MixOptions {
  /** When a stream ends: `'stop'`, the mix ends (default); `'continue'`, it goes on with the others, in their proportions. */
  readonly onEnd?: 'stop' | 'continue';
}

const MIX_OPTIONS: OptionKinds<MixOptions> = { onEnd: oneOf('stop', 'continue') };

/**
 * Batches of several streams in turn, in proportion to weights of any sum (default: alike). The turns are the same every
 * time, and at every moment each stream has had its share of them to within one batch.
 * @throws SHARDFEED_USAGE
 */
export function mix<S extends readonly BatchStream<Batch, unknown>[]>(
  streams: S,
  weights: readonly number[] = streams.map(() => 1),
  options: MixOptions = {},
): BatchStream<Joined<S>['batch'], MixPosition<Joined<S>['position']>> {
  type B = Joined<S>['batch'];
  type P = Joined<S>['position'];
  checkOptions('mix', options, MIX_OPTIONS);
  const { onEnd = 'stop' } = options;
  checkWeights(streams.length, weights);
  const schema = z.strictObject({
    mix: z.array(z.unknown()).length(streams.length),
    taken: z.array(count).length(streams.length),
    ended: z.array(z.boolean()).length(streams.length),
  });
  return new BatchStream<B, MixPosition<P>>({
    ...joinSources(streams),
    async *open({ position, epoch, signal }) {
      const from = position === undefined ? undefined : checkPosition('mix', schema, position);
      const at = streams.map((_, i) => (from?.mix[i] ?? null) as P | null);
      let taken = streams.map((_, i) => from?.taken[i] ?? 0);
      const ended = streams.map((_, i) => from?.ended[i] ?? false);
      const reads = openTogether<B, P>(
        streams,
        at.map((inner) => inner ?? undefined),
        { epoch, signal },
      );
      try {
        while (ended.includes(false)) {
          const turns = weights.map((weight, i) => (ended[i] ? 0 : weight));
          const turn = nextTurn(turns, taken);
          const step = await reads.iterators[turn]!.next();
          if (step.done === true) {
            if (onEnd === 'stop') return;
            ended[turn] = true;
            taken = taken.map(() => 0); // the others begin anew
            continue;
          }
          taken[turn]!++;
          at[turn] = step.value.position;
          yield { ...step.value, position: { mix: [...at], taken: [...taken], ended: [...ended] } };
        }
      } finally {
        await reads.close();
      }
    },
  });
}

function checkWeights(streams: number, weights: readonly number[]): void {
  const wrong =
    streams === 0
      ? 'no streams'
      : weights.length !== streams
        ? `${streams} streams and ${weights.length} weights`
        : weights.some((weight) => !(weight > 0 && weight < Number.POSITIVE_INFINITY))
          ? `weights ${weights.join(', ')}`
          : undefined;
  if (wrong === undefined) return;
  throw new ShardfeedError('SHARDFEED_USAGE', `mix of ${wrong}: a finite weight above 0 for each stream is expected`);
}
