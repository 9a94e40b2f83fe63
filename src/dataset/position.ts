import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ShardfeedError } from '../errors.js';
import type { OrderSpec } from './order/index.js';

/** What shares a dataset out: single records, in an order that no number of ranks changes, or whole files. */
export type Sharding =
  | { readonly mode: 'record' }
  | {
      readonly mode: 'file';
      readonly worldSize: number;
      readonly globalBatchSize: number;
      /** Hash of the locality that had a say in who gets which file. */
      readonly locality?: string | undefined;
    };

/** Where an epoch stands, as JSON: reading goes on right behind it, by records also at another number of ranks. */
export interface Position {
  readonly version: 1;
  readonly fingerprint: string;
  readonly seed: number;
  readonly epoch: number;
  /** Records of the epoch's order that were delivered, over all ranks: steps x global batch size. */
  readonly consumed: number;
  readonly order: OrderSpec;
  readonly sharding: Sharding;
  /** Records that this rank found corrupt in the epoch so far. */
  readonly lost: number;
  /** Of `order` and `sharding`, so that a position that was tampered with is known. */
  readonly options: string;
}

const count = z.int().min(0);
const positive = z.int().min(1);
const positionJson = z.strictObject({
  version: z.literal(1),
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  seed: z.int(),
  epoch: count,
  consumed: count,
  order: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('sequential'), lanes: z.literal(1) }),
    z.strictObject({ kind: z.literal('global'), lanes: z.literal(1) }),
    z.strictObject({ kind: z.literal('windows'), lanes: positive, window: positive, block: positive }),
  ]),
  sharding: z.discriminatedUnion('mode', [
    z.strictObject({ mode: z.literal('record') }),
    z.strictObject({
      mode: z.literal('file'),
      worldSize: positive,
      globalBatchSize: positive,
      locality: z.string().optional(),
    }),
  ]),
  lost: count,
  options: z.string(),
});

/** What tells orders apart: a hash of all that decides them but the dataset, the seed and the epoch. */
export function optionsHash(order: OrderSpec, sharding: Sharding): string {
  const facts = order.kind === 'windows' ? [order.lanes, order.window, order.block] : [];
  const shares =
    sharding.mode === 'file' ? [sharding.worldSize, sharding.globalBatchSize, sharding.locality ?? 'anywhere'] : [];
  const text = ['shardfeed-options-1', order.kind, ...facts, sharding.mode, ...shares].join(' ');
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Reads what `JSON.parse` gave. @throws SHARDFEED_POSITION where it is no position, or of another dataset */
export function parsePosition(json: unknown, fingerprint: string): Position {
  const version = (json as { version?: unknown } | null)?.version;
  if (typeof version === 'number' && version > 1) {
    throw wrong(`the position has version ${version}, this release knows version 1: update shardfeed`);
  }
  if (typeof json === 'string') throw wrong('the position is text: give what JSON.parse makes of it');
  const [operation] = ['repeat', 'take', 'mix', 'zip'].filter((name) => Object.hasOwn(Object(json), name));
  if (operation !== undefined) {
    throw wrong(
      `the position is of a stream behind \`${operation}\`: build it by the same operations, then call from(position)`,
    );
  }
  const result = positionJson.safeParse(json);
  if (!result.success) throw wrong(`this is no position of a dataset: ${z.prettifyError(result.error)}`);
  const position = result.data;
  if (position.fingerprint !== fingerprint) {
    throw wrong(
      `the position belongs to a dataset with the fingerprint ${position.fingerprint.slice(0, 12)}..., this one has ` +
        `${fingerprint.slice(0, 12)}...: parts were added, removed, renamed or written anew`,
    );
  }
  if (position.options !== optionsHash(position.order, position.sharding)) {
    throw wrong('the position contradicts itself: its order is not the one that it was taken with');
  }
  return position;
}

export function wrong(what: string): ShardfeedError {
  return new ShardfeedError('SHARDFEED_POSITION', what);
}
