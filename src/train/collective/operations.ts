import { setImmediate } from 'node:timers/promises';
import { memoryBytes } from '../kernel/train-module.js';
import { checkAgreement, HEADER_BYTES, type Header, type OperationKind, readHeader, writeHeader } from './agreement.js';
import type { ReduceOp } from './process-group.js';
import { divide, ELEMENT_BYTES, reducer } from './reduce.js';
import { sliceOf } from './slices.js';
import { EXCHANGE_BYTES, type Span, type Transport, type TransportTools } from './transport.js';

/** What is moved with the header, in bytes. */
export const INLINE_BYTES = EXCHANGE_BYTES - HEADER_BYTES;
/** Elements that are divided before the event loop has its turn. */
const DIVIDED_AT_ONCE = 1 << 20;

/** An operation as the main thread has it done; `step` is that of the last ProcessGroup.enter. */
export type Command = { readonly step: number } & (
  | { readonly kind: 'allReduce' | 'reduceScatter'; readonly span: Span; readonly op: ReduceOp }
  | { readonly kind: 'broadcast'; readonly span: Span; readonly root: number }
  | { readonly kind: 'barrier' | 'close' }
  | GatherCommand
  /** What a gathering of more than INLINE_BYTES goes on with. */
  | { readonly kind: 'parts'; readonly parts: readonly Span[] }
);

export interface GatherCommand extends Pick<Header, 'type' | 'root'> {
  readonly kind: 'allGather' | 'allGatherObject' | 'broadcastObject';
  /** Bytes of this rank. */
  readonly length: number;
  /** They themselves, if they are no more than INLINE_BYTES. */
  readonly bytes?: Uint8Array;
}

/** Bytes of each rank, and they themselves if none has more than INLINE_BYTES. */
export interface Gathered {
  readonly lengths: readonly number[];
  readonly parts?: readonly Uint8Array[];
}

export interface OperationTools extends TransportTools {
  /** Address of 2 x INLINE_BYTES. */
  readonly foldArea: number;
}

/**
 * Does operations one at a time. Each begins with an exchange of what the ranks are about to do, together with the numbers themselves where
 * they are few: that is one round between the ranks, and the whole operation.
 */
export class Operations {
  readonly #tools: OperationTools;
  readonly #transport: Transport;
  readonly #mine = new Uint8Array(EXCHANGE_BYTES);

  constructor(tools: OperationTools, transport: Transport) {
    this.#tools = tools;
    this.#transport = transport;
  }

  /** @throws SHARDFEED_COLLECTIVE if the ranks do not do the same; what the transport was closed with */
  async run(command: Command): Promise<Gathered | undefined> {
    const { mesh } = this.#tools;
    mesh.waiting(true);
    try {
      return await this.#run(command);
    } finally {
      mesh.waiting(false);
    }
  }

  async #run(command: Command): Promise<Gathered | undefined> {
    switch (command.kind) {
      case 'parts':
        await this.#transport.allGather(command.parts);
        return;
      case 'barrier':
      case 'close':
        await this.#agree(command.kind, { count: 0, step: command.step });
        return;
      case 'broadcast': {
        const { span, root, step } = command;
        const own = root === this.#tools.mesh.rank ? this.#bytesOf(span) : undefined;
        const all = await this.#agree('broadcast', { ...span, root, step }, own);
        if (isInline(span)) this.#bytesOf(span).set(all[root]!);
        else await this.#transport.broadcast(span, root);
        return;
      }
      case 'allReduce':
      case 'reduceScatter':
        return this.#reduce(command);
      default: {
        const { kind, length, bytes, ...header } = command;
        const all = await this.#agree(kind, { ...header, count: length }, bytes);
        const lengths = this.#headers.map(({ count }) => count);
        if (lengths.some((l) => l > INLINE_BYTES)) return { lengths };
        return { lengths, parts: all.map((part) => part.slice()) };
      }
    }
  }

  async #reduce({
    kind,
    span,
    op,
    step,
  }: Command & { span: Span; op: ReduceOp; kind: 'allReduce' | 'reduceScatter' }): Promise<undefined> {
    const { kernel, mesh } = this.#tools;
    const slices = kind === 'reduceScatter';
    const fold = op === 'mean' ? 'sum' : op;
    const all = await this.#agree(kind, { ...span, op, step }, isInline(span) ? this.#bytesOf(span) : undefined);
    if (isInline(span)) this.#foldInline(span, fold, all);
    else await this.#transport.allReduce(span, fold, slices);
    if (op !== 'mean') return;
    const { address, count, type } = slices ? sliceOf(span, mesh.rank, mesh.worldSize) : span;
    for (let i = 0; i < count; i += DIVIDED_AT_ONCE) {
      if (i > 0) await setImmediate();
      divide(kernel, type, address + i * ELEMENT_BYTES[type], mesh.worldSize, Math.min(DIVIDED_AT_ONCE, count - i));
    }
  }

  /** ((x0 + x1) + x2) + ... of what all ranks sent with their headers. */
  #foldInline(span: Span, op: Exclude<ReduceOp, 'mean'>, all: readonly Uint8Array[]): void {
    const { memory, kernel, foldArea } = this.#tools;
    const fold = reducer(kernel, span.type, op);
    const next = foldArea + INLINE_BYTES;
    const bytes = memoryBytes(memory, next + INLINE_BYTES);
    bytes.set(all[0]!, foldArea);
    for (const part of all.slice(1)) {
      bytes.set(part, next);
      fold(foldArea, next, span.count);
    }
    this.#bytesOf(span).set(bytes.subarray(foldArea, foldArea + all[0]!.length));
  }

  #headers: readonly Header[] = [];

  /** What all ranks sent behind their headers, once these are the same. */
  async #agree(
    kind: OperationKind,
    header: Omit<Header, 'kind'>,
    payload: Uint8Array = NOTHING,
  ): Promise<readonly Uint8Array[]> {
    const inline = payload.length <= INLINE_BYTES ? payload : NOTHING;
    writeHeader({ kind, ...header }, this.#mine);
    this.#mine.set(inline, HEADER_BYTES);
    const all = await this.#transport.exchange(this.#mine.subarray(0, HEADER_BYTES + inline.length));
    this.#headers = all.map(readHeader);
    checkAgreement(this.#headers);
    return all.map((bytes) => bytes.subarray(HEADER_BYTES));
  }

  #bytesOf({ address, count, type }: Span): Uint8Array {
    const end = address + count * ELEMENT_BYTES[type];
    return memoryBytes(this.#tools.memory, end).subarray(address, end);
  }
}

const NOTHING = new Uint8Array(0);

function isInline({ count, type }: Span): boolean {
  return count * ELEMENT_BYTES[type] <= INLINE_BYTES;
}
