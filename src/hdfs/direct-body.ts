import type { IncomingMessage } from 'node:http';
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import type { Pace } from './http.js';
import type { Inflow } from './inflow.js';

/** Takes the head of an answer, and what comes while it is not known yet where to. */
const SCRATCH_BYTES = 1 << 14;

/**
 * A connection whose bytes are read straight to where they are wanted, once `begin` says that the rest is body; before that
 * they go to node:http, which parses the head. With node:http alone every 64 KiB would be new memory, which is faulted
 * in, copied and collected.
 */
export class DirectBody implements Pace {
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  /** What the connection is reading into, and what it shall read into next. */
  #lent: Uint8Array = this.#scratch;
  #room: Uint8Array | undefined;
  #socket: Socket | undefined;
  #flow: Inflow | undefined;
  /** What came and found no room yet. */
  #rest: Uint8Array = Buffer.alloc(0);
  #broken: { readonly error: unknown } | undefined;
  #settle: (() => void) | undefined;
  #paused = false;
  /** Set while nothing is wanted. */
  idle = false;

  /** Whether it has made the connection, so that bytes can come straight. */
  get connected(): boolean {
    return this.#socket !== undefined;
  }

  connect(options: TcpNetConnectOpts): Socket {
    const buffer = (): Uint8Array => {
      this.#lent = this.#room ?? this.#scratch;
      return this.#lent;
    };
    this.#socket = connect({ ...options, onread: { buffer, callback: (bytes) => this.#arrived(bytes) } });
    return this.#socket;
  }

  /** From here on bytes go to `flow`. */
  begin(answer: IncomingMessage, flow: Inflow): void {
    this.#flow = flow;
    const parts: Buffer[] = [];
    for (let part: Buffer | null = answer.read(); part !== null; part = answer.read()) parts.push(part);
    this.#rest = Buffer.concat(parts);
    const broke = (error?: Error): void => {
      this.#broken ??= { error: error ?? new Error('the connection was closed') };
      this.#settle?.();
    };
    answer.once('error', broke);
    answer.once('close', () => broke());
    answer.once('end', () => broke(new Error('it ended early')));
  }

  /** Lets bytes come until there is no room for more. @throws what broke the connection */
  next(): Promise<void> {
    this.#rest = this.#flow!.put(this.#rest);
    if (this.#rest.length > 0 || this.#flow!.room() === undefined) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#settle = () => (this.#broken === undefined ? resolve() : reject(this.#broken.error));
      if (this.#broken !== undefined) this.#settle();
      else if (this.#paused) this.#socket!.resume();
      this.#paused = false;
    });
  }

  #arrived(bytes: number): boolean {
    const flow = this.#flow;
    const arrived = this.#lent.subarray(0, bytes);
    if (flow === undefined) return this.#socket!.emit('data', Buffer.from(arrived));
    if (this.#lent !== this.#scratch) flow.filled(bytes);
    else this.#rest = Buffer.concat([this.#rest, this.#rest.length > 0 ? arrived : flow.put(arrived)]);
    this.#room = this.#rest.length === 0 ? flow.room() : undefined;
    if (this.#room !== undefined) return true;
    this.#settle?.();
    // Who takes bytes as they come has room again at once: only what finds none stops the connection.
    this.#paused = this.#rest.length > 0 || flow.missing === 0;
    return !this.#paused;
  }
}
