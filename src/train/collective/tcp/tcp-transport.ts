import type { SharedWasmMemory } from '../../kernel/train-module.js';
import type { DataChannel } from '../mesh.js';
import type { ReduceOp } from '../process-group.js';
import { ELEMENT_BYTES, reducer } from '../reduce.js';
import { EXCHANGE_BYTES, type Span, type Transport, type TransportTools } from '../transport.js';

/** What is passed on at a time. From 128 KiB to 1 MiB the speed is the same; smaller is fairer to heartbeats. */
const CHUNK_BYTES = 1 << 18;
const LENGTH_BYTES = 4;

/** Gives what is to be called when a part of the operation is done. */
type Part = () => () => void;

/**
 * Over the mesh's data lanes: exchanges go from all to all; what is larger goes round a ring, in which each rank has one neighbour to
 * read from and one to write to, chunk by chunk, both directions at once. All bytes go straight from and to the shared memory.
 */
export function tcpTransport(tools: TransportTools): Transport {
  return new TcpTransport(tools);
}

class TcpTransport implements Transport {
  readonly name = 'tcp';
  readonly #tools: TransportTools;
  readonly #rank: number;
  readonly #worldSize: number;
  /** What the others gave to the latest exchange. */
  readonly #inbox: readonly Uint8Array[];
  #closed: { readonly reason: unknown } | undefined;
  #reject: ((reason: unknown) => void) | undefined;

  constructor(tools: TransportTools) {
    this.#tools = tools;
    const { rank, worldSize } = tools.mesh;
    this.#rank = rank;
    this.#worldSize = worldSize;
    this.#inbox = Array.from({ length: worldSize }, (_, peer) => new Uint8Array(peer === rank ? 0 : EXCHANGE_BYTES));
    tools.mesh.failure.catch((reason) => this.close(reason));
  }

  async exchange(mine: Uint8Array): Promise<readonly Uint8Array[]> {
    const frame = Buffer.allocUnsafe(LENGTH_BYTES + mine.length);
    frame.writeUInt32LE(mine.length);
    frame.set(mine, LENGTH_BYTES);
    const all = [...this.#inbox];
    all[this.#rank] = mine;
    await this.#operate((part) => {
      for (const [peer, inbox] of this.#inbox.entries()) {
        if (peer === this.#rank) continue;
        const { incoming, outgoing } = this.#tools.mesh.data(peer);
        outgoing.write(frame);
        const head = Buffer.alloc(LENGTH_BYTES);
        const targets = function* (): Generator<Uint8Array> {
          yield head;
          all[peer] = inbox.subarray(0, head.readUInt32LE());
          yield all[peer];
        };
        this.#fill(incoming, targets(), part());
      }
    });
    return all;
  }

  /**
   * Slice s begins at rank s + 1 and is summed on its way round to rank s, which has x(s+1) + x(s+2) + ... + x(s) then; and
   * goes round once more, whole. So what a rank reads it folds or keeps, and passes on at once, but for the last slice.
   * No chunk is overwritten before it has been sent: what overwrites it was made of it.
   */
  allReduce(span: Span, op: Exclude<ReduceOp, 'mean'>, slices: boolean): Promise<void> {
    const m = this.#worldSize;
    const fold = reducer(this.#tools.kernel, span.type, op);
    const size = ELEMENT_BYTES[span.type];
    const slice = (index: number): Span => {
      const at = index % m;
      const from = Math.floor((at * span.count) / m);
      const to = Math.floor(((at + 1) * span.count) / m);
      return { address: span.address + from * size, count: to - from, type: span.type };
    };
    const { scratch } = this.#tools;
    const summing = m - 1;
    const steps = slices ? summing : 2 * summing;
    return this.#operate((part) => {
      const next = this.#neighbour(1).outgoing;
      const send = ({ address, count }: Span): void => next.write(this.#bytes(address, count * size), part());
      const bytes = (address: number, count: number): Uint8Array => this.#bytes(address, count * size);
      const targets = function* (rank: number): Generator<Uint8Array> {
        for (let step = 0; step < steps; step++) {
          for (const chunk of chunksOf(slice(rank + 2 * m - 2 - step))) {
            yield bytes(step < summing ? scratch : chunk.address, chunk.count);
            if (step < summing) fold(chunk.address, scratch, chunk.count);
            if (step < steps - 1) send(chunk);
          }
        }
      };
      send(slice(this.#rank + m - 1));
      this.#fill(this.#neighbour(-1).incoming, targets(this.#rank), part());
    });
  }

  allGather(parts: readonly Span[]): Promise<void> {
    return this.#operate((part) => {
      for (const [peer, span] of parts.entries()) {
        if (peer === this.#rank) continue;
        const { incoming, outgoing } = this.#tools.mesh.data(peer);
        outgoing.write(this.#bytesOf(parts[this.#rank]!), part());
        incoming.read(this.#bytesOf(span), part());
      }
    });
  }

  /** Along the ring, beginning at the root. */
  broadcast(span: Span, root: number): Promise<void> {
    const m = this.#worldSize;
    const distance = (this.#rank - root + m) % m;
    return this.#operate((part) => {
      const next = this.#neighbour(1).outgoing;
      if (distance === 0) {
        next.write(this.#bytesOf(span), part());
        return;
      }
      const chunks = chunksOf(span).map((chunk) => this.#bytesOf(chunk));
      const targets = function* (): Generator<Uint8Array> {
        for (const chunk of chunks) {
          yield chunk;
          if (distance < m - 1) next.write(chunk, part());
        }
      };
      this.#fill(this.#neighbour(-1).incoming, targets(), part());
    });
  }

  close(reason: unknown): void {
    this.#closed ??= { reason };
    this.#reject?.(this.#closed.reason);
  }

  /** Resolves when all parts that `begin` took are done, rejects when this is closed before. */
  #operate(begin: (part: Part) => void): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed.reason);
    if (this.#worldSize === 1) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      let parts = 1;
      const done = (): void => {
        parts--;
        if (parts === 0) resolve();
      };
      begin(() => {
        parts++;
        return done;
      });
      done();
    });
  }

  /** Fills one target after the other: the next is known before the socket reads on, so nothing is copied. */
  #fill(lane: DataChannel['incoming'], targets: Iterator<Uint8Array>, done: () => void): void {
    const next = (): void => {
      const { value, done: over } = targets.next();
      if (over === true) done();
      else lane.read(value, next);
    };
    next();
  }

  #neighbour(distance: number): DataChannel {
    return this.#tools.mesh.data((this.#rank + distance + this.#worldSize) % this.#worldSize);
  }

  #bytesOf({ address, count, type }: Span): Uint8Array {
    return this.#bytes(address, count * ELEMENT_BYTES[type]);
  }

  #bytes(address: number, length: number): Uint8Array {
    const { buffer }: SharedWasmMemory = this.#tools.memory;
    return new Uint8Array(buffer, address, length);
  }
}

function chunksOf({ address, count, type }: Span): Span[] {
  const most = CHUNK_BYTES / ELEMENT_BYTES[type];
  return Array.from({ length: Math.ceil(count / most) }, (_, i) => ({
    address: address + i * CHUNK_BYTES,
    count: Math.min(most, count - i * most),
    type,
  }));
}
