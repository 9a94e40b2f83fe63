import { ShardfeedError } from '../../errors.js';
import type { ReduceOp } from './process-group.js';
import type { DataType } from './transport.js';

/** Bytes of a header in an exchange; what is small follows it. */
export const HEADER_BYTES = 64;

const KINDS = [
  'allReduce',
  'reduceScatter',
  'allGather',
  'broadcast',
  'broadcastObject',
  'allGatherObject',
  'barrier',
  'close',
] as const;
const TYPES: readonly DataType[] = ['float32', 'float64', 'int32'];
const OPS: readonly ReduceOp[] = ['sum', 'mean', 'max', 'min'];

export type OperationKind = (typeof KINDS)[number];

/** What a rank says that it is about to do. */
export interface Header {
  readonly kind: OperationKind;
  readonly type?: DataType | undefined;
  readonly op?: ReduceOp | undefined;
  readonly root?: number | undefined;
  /** Elements, or bytes of an object. */
  readonly count: number;
  /** As last told by ProcessGroup.enter. */
  readonly step: number;
}

/** These may differ in length from rank to rank. */
const UNEVEN: ReadonlySet<OperationKind> = new Set(['allGather', 'allGatherObject', 'broadcastObject']);

export function writeHeader(header: Header, into: Uint8Array): void {
  const view = new DataView(into.buffer, into.byteOffset, HEADER_BYTES);
  view.setUint8(0, KINDS.indexOf(header.kind));
  view.setUint8(1, header.type === undefined ? 255 : TYPES.indexOf(header.type));
  view.setUint8(2, header.op === undefined ? 255 : OPS.indexOf(header.op));
  view.setInt32(4, header.root ?? -1, true);
  view.setFloat64(8, header.count, true);
  view.setFloat64(16, header.step, true);
}

export function readHeader(from: Uint8Array): Header {
  const view = new DataView(from.buffer, from.byteOffset, HEADER_BYTES);
  const root = view.getInt32(4, true);
  return {
    kind: KINDS[view.getUint8(0)]!,
    type: TYPES[view.getUint8(1)],
    op: OPS[view.getUint8(2)],
    root: root < 0 ? undefined : root,
    count: view.getFloat64(8, true),
    step: view.getFloat64(16, true),
  };
}

/** @throws SHARDFEED_COLLECTIVE, the same on all ranks, unless all do the same */
export function checkAgreement(headers: readonly Header[]): void {
  const first = headers[0]!;
  const same = (h: Header): boolean =>
    h.kind === first.kind &&
    h.type === first.type &&
    h.op === first.op &&
    h.root === first.root &&
    h.step === first.step &&
    (h.count === first.count || UNEVEN.has(h.kind));
  if (headers.every(same)) return;
  const said = new Map<string, number[]>();
  for (const [rank, header] of headers.entries()) {
    const what = describe(header);
    said.set(what, [...(said.get(what) ?? []), rank]);
  }
  const list = [...said].map(
    ([what, ranks]) => `${ranks.length === 1 ? 'rank' : 'ranks'} ${ranks.join(', ')}: ${what}`,
  );
  throw new ShardfeedError(
    'SHARDFEED_COLLECTIVE',
    `the ranks do not do the same. ${list.join('; ')}. All ranks must call the same operations in the same order`,
  );
}

function describe({ kind, type, op, root, count, step }: Header): string {
  const what = [
    `${kind}${op === undefined ? '' : ` (${op})`}`,
    ...(type === undefined ? [] : [`of ${UNEVEN.has(kind) ? '' : `${count} `}${type}`]),
    ...(root === undefined ? [] : [`from rank ${root}`]),
    `at step ${step}`,
  ];
  return what.join(' ');
}
