import type { IncomingMessage } from 'node:http';
import { throwIfAborted } from '../errors.js';
import type { DirectBody } from './direct-body.js';
import { connectionFault, type From } from './http.js';
import type { Sink } from './sink.js';

/** The bytes of one body that are still missing, on their way to a sink. */
export class Inflow {
  readonly #sink: Sink;
  #missing: number;

  constructor(sink: Sink, length: number) {
    this.#sink = sink;
    this.#missing = length;
  }

  get missing(): number {
    return this.#missing;
  }

  room(): Uint8Array | undefined {
    return this.#missing === 0 ? undefined : this.#sink.room()?.subarray(0, this.#missing);
  }

  filled(bytes: number): void {
    this.#missing -= bytes;
    this.#sink.filled(bytes);
  }

  /** Copies what there is room for; the rest. */
  put(bytes: Uint8Array): Uint8Array {
    let rest = bytes;
    for (let room = this.room(); rest.length > 0 && room !== undefined; room = this.room()) {
      const part = rest.subarray(0, room.length);
      room.set(part);
      this.filled(part.length);
      rest = rest.subarray(part.length);
    }
    return rest;
  }
}

/**
 * Brings exactly `length` bytes of a body to a sink, and no faster than they are wanted. What breaks while none are wanted
 * shows only when they are. @throws Fault
 */
export async function receive(
  answer: IncomingMessage,
  body: DirectBody,
  from: From,
  length: number,
  sink: Sink,
): Promise<void> {
  const declared = answer.headers['content-length'];
  const flow = new Inflow(sink, length);
  const { socket } = answer;
  const { timeout = 0 } = socket;
  const wanted = async (): Promise<void> => {
    const since = performance.now();
    body.idle = true;
    await sink.wanted();
    body.idle = false;
    throwIfAborted(from.signal);
    if (performance.now() - since > timeout / 30) socket.setTimeout(timeout);
  };
  try {
    if (declared !== undefined && Number(declared) !== length) {
      throw new Error(`it offers ${declared} bytes of ${length}`);
    }
    if (body.connected && declared !== undefined) {
      body.begin(answer, flow);
      while (flow.missing > 0) await (flow.room() === undefined ? wanted() : body.next());
    } else {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        let rest = flow.put(chunk);
        while (rest.length > 0 && flow.missing > 0) {
          await wanted();
          rest = flow.put(rest);
        }
        if (rest.length > 0) throw new Error(`it sends more than the ${length} bytes that were asked for`);
      }
      if (flow.missing > 0) throw new Error(`it ended ${flow.missing} bytes early`);
    }
  } catch (error) {
    throw connectionFault(error, from);
  } finally {
    answer.destroy();
  }
}
