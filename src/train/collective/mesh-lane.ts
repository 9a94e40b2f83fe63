import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

/** Takes what comes while it is not known yet where to, and what is wanted in small pieces. */
const SCRATCH_BYTES = 1 << 16;
/** Above this many bytes that nobody wants yet the connection is not read on. */
const REST_BYTES = 1 << 18;
const NOTHING = new Uint8Array(0);

/**
 * A connection from which exactly as many bytes are read as are asked for, straight to where they are wanted, shared memory included,
 * if it was dialled; of accepted ones they are copied there, since only sockets that connect can be given memory to read into.
 */
export class Lane {
  readonly socket: Socket;
  /** Resolves, when the connection has ended, with what broke it. */
  readonly closed: Promise<Error | undefined>;
  readonly #scratch: Uint8Array;
  #lent: Uint8Array = NOTHING;
  #target: Uint8Array | undefined;
  #filled: (() => void) | undefined;
  #rest: Uint8Array = NOTHING;
  #pulling = false;
  #paused = false;
  #draining = false;

  private constructor(open: (onread: NonNullable<TcpNetConnectOpts['onread']>) => Socket, dialled: boolean) {
    this.#scratch = dialled ? new Uint8Array(SCRATCH_BYTES) : NOTHING;
    const buffer = (): Uint8Array => {
      const target = this.#target;
      this.#lent = target !== undefined && target.length >= SCRATCH_BYTES / 4 ? target : this.#scratch;
      return this.#lent;
    };
    const callback = (bytes: number): boolean => {
      if (this.#draining) return true;
      if (this.#lent === this.#scratch) this.#arrived(this.#scratch.subarray(0, bytes));
      else this.#advance(bytes);
      return !this.#paused;
    };
    this.socket = open({ buffer, callback });
    this.socket.setNoDelay(true);
    let broken: Error | undefined;
    this.socket.on('error', (error) => {
      broken ??= error;
    });
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve(broken)));
    if (dialled) return;
    this.socket.on('data', (bytes: Buffer) => {
      if (this.#draining) return;
      this.#arrived(bytes);
      if (this.#paused) this.socket.pause();
    });
  }

  /** Resolves when connected. @throws what the socket does */
  static async dial(to: TcpNetConnectOpts, tls: ConnectionOptions | undefined, signal: AbortSignal): Promise<Lane> {
    const open = (onread: NonNullable<TcpNetConnectOpts['onread']>): Socket =>
      tls === undefined ? connect({ ...to, onread }) : connectTls({ ...to, ...tls, onread } as ConnectionOptions);
    const lane = new Lane(open, true);
    const stop = (): void => lane.destroy(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    try {
      const connected = new Promise<void>((resolve) =>
        lane.socket.once(tls === undefined ? 'connect' : 'secureConnect', resolve),
      );
      await Promise.race([connected, lane.#broken()]);
      return lane;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  static accepted(socket: Socket): Lane {
    return new Lane(() => socket, false);
  }

  /**
   * Fills the target with the next bytes, then calls `filled`, which may ask for more; at once where they are here. One read at a time.
   * Nothing comes of it once the connection has ended.
   */
  read(target: Uint8Array, filled: () => void): void {
    this.#target = target;
    this.#filled = filled;
    this.#pull();
  }

  /** The next bytes, copied. @throws if the connection ends before */
  async take(bytes: number): Promise<Buffer> {
    const target = Buffer.alloc(bytes);
    await Promise.race([new Promise<void>((resolve) => this.read(target, resolve)), this.#broken()]);
    return target;
  }

  /** The bytes must not change until `flushed` is called, or anything that comes back shows that the other side has them. */
  write(bytes: Uint8Array, flushed?: () => void): void {
    this.socket.write(bytes, flushed);
  }

  /** Nothing more is written, and what still comes is thrown away, until the other side has ended too. */
  drain(): void {
    this.#draining = true;
    this.#rest = NOTHING;
    this.#target = undefined;
    this.socket.end();
    this.socket.resume();
  }

  destroy(reason?: unknown): void {
    this.socket.destroy(reason instanceof Error ? reason : undefined);
  }

  async #broken(): Promise<never> {
    throw (await this.closed) ?? new Error('the other side closed the connection');
  }

  /** Bytes that are ours only until this returns. */
  #arrived(bytes: Uint8Array): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#pull();
    if (this.#rest.length > 0 && this.#rest.buffer === bytes.buffer) this.#rest = Buffer.from(this.#rest);
    this.#paused = this.#rest.length > REST_BYTES;
  }

  #pull(): void {
    if (this.#pulling) return;
    this.#pulling = true;
    while (this.#target !== undefined && (this.#rest.length > 0 || this.#target.length === 0)) {
      const part = this.#rest.subarray(0, this.#target.length);
      this.#target.set(part);
      this.#rest = this.#rest.subarray(part.length);
      this.#advance(part.length);
    }
    this.#pulling = false;
    if (this.#paused && this.#rest.length <= REST_BYTES) {
      this.#paused = false;
      this.socket.resume();
    }
  }

  #advance(bytes: number): void {
    const target = this.#target!.subarray(bytes);
    this.#target = target;
    if (target.length > 0) return;
    this.#target = undefined;
    this.#filled!();
  }
}
