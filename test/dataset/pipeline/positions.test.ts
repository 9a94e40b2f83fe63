import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type BatchStream, mix, zip } from '../../../src/dataset/pipeline/index.js';
import type { Batch } from '../../../src/records/index.js';
import { numbered } from './numbered.js';

type Stream = BatchStream<Batch, unknown>;

/** How a stream is built: a source, operations on a stream, or several streams together. */
type Plan =
  | { readonly op: 'source'; readonly batches: number; readonly name: string; readonly borrowed: boolean }
  | { readonly op: 'map' | 'filter'; readonly of: Plan; readonly n: number }
  | { readonly op: 'take' | 'skip' | 'repeat' | 'prefetch'; readonly of: Plan; readonly n: number }
  | {
      readonly op: 'mix';
      readonly of: readonly Plan[];
      readonly weights: readonly number[];
      readonly continues: boolean;
    }
  | { readonly op: 'zip'; readonly of: readonly Plan[] };

const { plan } = fc.letrec<{ plan: Plan; source: Plan }>((tie) => ({
  source: fc.record({
    op: fc.constant('source' as const),
    batches: fc.integer({ min: 0, max: 6 }),
    name: fc.constantFrom('a', 'b', 'c'),
    borrowed: fc.boolean(),
  }),
  plan: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    tie('source'),
    fc.record({
      op: fc.constantFrom('map', 'filter', 'take', 'skip', 'repeat', 'prefetch'),
      of: tie('plan'),
      n: fc.integer({ min: 0, max: 4 }),
    }) as fc.Arbitrary<Plan>,
    fc.record({
      op: fc.constant('mix' as const),
      of: fc.tuple(tie('plan'), tie('plan'), tie('plan')),
      weights: fc.tuple(...[0, 1, 2].map(() => fc.integer({ min: 1, max: 5 }))),
      continues: fc.boolean(),
    }) as fc.Arbitrary<Plan>,
    fc.record({ op: fc.constant('zip' as const), of: fc.tuple(tie('plan'), tie('plan')) }) as fc.Arbitrary<Plan>,
  ),
}));

/** `prefix` keeps the names of columns that are zipped apart. */
function build(plan: Plan, prefix = ''): Stream {
  switch (plan.op) {
    case 'source':
      return numbered({ batches: plan.batches, name: prefix + plan.name, borrowed: plan.borrowed });
    case 'map':
      return build(plan.of, prefix).map((batch) => ({
        ...batch,
        mask: batch.mask.map((_, i) => (i === plan.n ? 0 : batch.mask[i]!)),
      }));
    case 'filter':
      return build(plan.of, prefix).filter((batch) => batch.mask.map((_, i) => ((i + plan.n) % 3 === 0 ? 0 : 1)));
    case 'prefetch':
      return build(plan.of, prefix).prefetch({ bytes: plan.n * 20 });
    case 'take':
    case 'skip':
      return build(plan.of, prefix)[plan.op](plan.n);
    case 'repeat':
      return build(plan.of, prefix).repeat(plan.n + 1);
    case 'mix':
      return mix(
        plan.of.map((of) => build(of, prefix)),
        plan.weights,
        { onEnd: plan.continues ? 'continue' : 'stop' },
      );
    case 'zip':
      return zip(plan.of.map((of, i) => build(of, `${prefix}${i}`)));
  }
}

/** Of a long stream, the beginning. */
const MOST = 60;

/** What a stream gives, as text, and where each batch ends. Batches may be borrowed. */
async function read(stream: Stream, most: number): Promise<{ batches: string[]; position: string }> {
  const batches: string[] = [];
  let position = '';
  if (most === 0) return { batches, position };
  for await (const batch of stream) {
    batches.push(
      JSON.stringify(batch, (_, value) => (ArrayBuffer.isView(value) ? Array.from(value as Uint8Array) : value)),
    );
    position = JSON.stringify(batch.position);
    if (batches.length === most) break;
  }
  return { batches, position };
}

test('a stream that is stopped anywhere, again and again, goes on as if it had not been', async () => {
  let longest = 0;
  await fc.assert(
    fc.asyncProperty(
      plan,
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 20 }),
      async (plan, stops) => {
        const { batches: whole } = await read(build(plan), MOST);
        longest = Math.max(longest, whole.length);
        const pieces: string[] = [];
        let position: unknown;
        for (const stop of [...stops, Number.POSITIVE_INFINITY]) {
          const piece = await read(build(plan).from(position), Math.min(stop, whole.length - pieces.length)); // built anew, as by another process
          pieces.push(...piece.batches);
          if (piece.position !== '') position = JSON.parse(piece.position);
        }
        expect(pieces).toEqual(whole);
        if (position !== undefined && whole.length < MOST)
          expect(await read(build(plan).from(position), 1)).toEqual({ batches: [], position: '' });
      },
    ),
    { numRuns: 400 },
  );
  expect(longest).toBeGreaterThan(20);
});
