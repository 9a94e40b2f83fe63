import type { IncomingMessage } from 'node:http';
import type { DataTarget, HdfsClient } from './client.js';
import { Fault } from './fault.js';
import { connectionFault, type Exchange, type From } from './http.js';

/** Much less than any timeout. */
const LITTLE_MS = 10;

/** The second step of a CREATE: a body that goes to a data node as it comes. Every call rejects with a Fault. */
export class Upload {
  readonly #client: HdfsClient;
  readonly #to: DataTarget;
  readonly #from: From;
  readonly #exchange: Exchange;
  #failure: unknown;
  #fail: (error: unknown) => void = () => undefined;
  #ended = false;
  /** How fast bytes are given is the caller's affair. */
  readonly #pace = { idle: false };
  #idleSince = 0;

  constructor(client: HdfsClient, to: DataTarget, signal: AbortSignal | undefined) {
    this.#client = client;
    this.#to = to;
    this.#from = { ...to, signal };
    const headers = { 'content-type': 'application/octet-stream' };
    this.#exchange = client.http.start({
      ...to,
      method: 'PUT',
      headers: { ...to.headers, ...headers },
      signal,
      pace: this.#pace,
    });
    this.#exchange.answer.then(
      async (answer) => {
        // An answer before the end of the body is a refusal.
        if (!this.#ended) this.#failed(await this.#refusal(answer));
      },
      (error: unknown) => this.#failed(error),
    );
  }

  /** Resolves when the bytes are on their way and their buffer is free. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      const { request } = this.#exchange;
      this.#fail = reject;
      this.#pace.idle = false;
      // To set a timeout costs more than a write, and nothing has passed of it where writes follow each other.
      if (performance.now() - this.#idleSince > LITTLE_MS) this.#client.http.expectByte(request, 'idle');
      // Where it fails the exchange does so too, and knows more.
      request.write(bytes, (error) => {
        if (error != null) return;
        this.#pace.idle = true;
        this.#idleSince = performance.now();
        resolve();
      });
    });
  }

  /** Resolves when the server says that the file is whole. */
  async finish(within: 'idle' | 'confirm'): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#ended = true;
    this.#pace.idle = false;
    this.#client.http.expectByte(this.#exchange.request, within);
    this.#exchange.request.end();
    const answer = await this.#exchange.answer;
    if (answer.statusCode !== 201) throw await this.#refusal(answer);
    await this.#client.http.text(answer, this.#from);
  }

  destroy(): void {
    this.#exchange.request.destroy();
  }

  async #refusal(answer: IncomingMessage): Promise<unknown> {
    try {
      if (answer.statusCode! >= 400) return await this.#client.dataFault(this.#to, answer);
      answer.destroy();
      return connectionFault(new Error(`it answered HTTP ${answer.statusCode} too early`), this.#from);
    } catch (error) {
      return error;
    }
  }

  #failed(error: unknown): void {
    this.#failure = error ?? new Fault('SHARDFEED_IO', 'unknown', { server: this.#to.origin });
    this.#exchange.request.destroy();
    this.#fail(this.#failure);
  }
}
