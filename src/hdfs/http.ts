import { setMaxListeners } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket, TcpNetConnectOpts } from 'node:net';
import { ShardfeedError, throwIfAborted } from '../errors.js';
import { Fault } from './fault.js';
import { redactError } from './redact.js';

export interface Timeouts {
  /** Milliseconds until a connection stands. Default 5,000. */
  connect: number;
  /** Milliseconds without a byte in either direction. Default 30,000. */
  idle: number;
  /** Milliseconds from the last byte of a long upload until data nodes agree that they have it all. Default 60,000. */
  confirm: number;
  /** Milliseconds of a whole exchange but for an upload. Default 120,000. */
  operation: number;
}
export const TIMEOUTS: Timeouts = { connect: 5_000, idle: 30_000, confirm: 60_000, operation: 120_000 };

export interface HttpRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** `http://host:port`. */
  readonly origin: string;
  /** Path and query as they go on the wire. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** The server is a data node: its failures call for another one. */
  readonly dataNode?: boolean;
  readonly pace?: Pace | undefined;
}

type Address = Readonly<Record<'protocol' | 'host' | 'port', string>>;

/** Who gives or takes a body, as fast as it likes. */
export interface Pace {
  /** It waits for itself, so that silence is no fault. */
  readonly idle: boolean;
  /** Makes the connection, where that is not to be left to an agent; not for https. */
  connect?(options: TcpNetConnectOpts): Socket;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/**
 * HTTP as Hadoop's servers speak it. `fetch` cannot PUT to a data node, which sends a `100 Continue` that nobody asked
 * for. Name nodes are kept connected; data nodes close after each answer. Redirects are not followed here.
 */
export class HttpClient {
  readonly #timeouts: Timeouts;
  readonly #agents: Readonly<Record<string, http.Agent>>;
  readonly #addresses = new Map<string, Address>();

  constructor(timeouts: Partial<Timeouts> = {}, tls: https.AgentOptions = {}) {
    this.#timeouts = { ...TIMEOUTS, ...timeouts };
    // Nothing here keeps a process alive: the agents unref what idles.
    const kept = { keepAlive: true, maxFreeSockets: 32, scheduling: 'lifo' } as const;
    this.#agents = {
      'http:': new http.Agent(kept),
      'https:': new https.Agent({ ...tls, ...kept }),
      'http: data': new http.Agent(),
      'https: data': new https.Agent(tls),
    };
  }

  /** Sends a request and reads the whole answer. @throws Fault; SHARDFEED_ABORTED */
  async ask(request: HttpRequest): Promise<Answer> {
    const answer = await this.open(request);
    return { status: answer.statusCode!, headers: answer.headers, body: await this.text(answer, request) };
  }

  /** Sends a request and resolves once the answer's headers are there. Its body must be read or destroyed. */
  open(what: HttpRequest): Promise<http.IncomingMessage> {
    const { request, answer } = this.start(what);
    const { operation } = this.#timeouts;
    const late = (): void => void request.destroy(new TimeoutError(`it was not done within ${operation / 1000} s`));
    const timer = setTimeout(late, operation);
    request.once('close', () => clearTimeout(timer));
    request.end();
    return answer;
  }

  /** Counts the time without a byte anew. */
  expectByte(request: http.ClientRequest, within: 'idle' | 'confirm'): void {
    request.setTimeout(this.#timeouts[within]);
  }

  /** Begins a request whose body is still to be written. */
  start(what: HttpRequest): Exchange {
    throwIfAborted(what.signal);
    const { protocol, host, port } = this.#addressOf(what.origin);
    const module = protocol === 'https:' ? https : http;
    const connect = protocol === 'http:' ? what.pace?.connect?.bind(what.pace) : undefined;
    const request = module.request({
      ...(connect === undefined
        ? { agent: this.#agents[what.dataNode === true ? `${protocol} data` : protocol]! }
        : { createConnection: () => connect({ host, port: Number(port || 80), timeout: this.#timeouts.idle }) }),
      method: what.method,
      host,
      port,
      path: what.target,
      ...(what.headers === undefined ? {} : { headers: what.headers }),
      timeout: this.#timeouts.idle,
    });
    return { request, answer: this.#watch(request, what) };
  }

  /** A URL takes as long to parse as the rest of a small request to be made. */
  #addressOf(origin: string): Address {
    let address = this.#addresses.get(origin);
    if (address === undefined) {
      const { protocol, hostname, port } = new URL(origin);
      address = { protocol, host: hostname.replace(/^\[|\]$/g, ''), port };
      this.#addresses.set(origin, address);
    }
    return address;
  }

  /** Reads an answer that is text: all of it, of an error the beginning. @throws Fault; SHARDFEED_ABORTED */
  async text(answer: http.IncomingMessage, request: From): Promise<string> {
    const chunks: Buffer[] = [];
    let length = 0;
    const most = answer.statusCode! >= 400 ? MOST_ERROR_TEXT : MOST_TEXT;
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        chunks.push(chunk);
        length += chunk.length;
        if (length > most) break;
      }
    } catch (error) {
      throw connectionFault(error, request);
    }
    return Buffer.concat(chunks).toString();
  }

  #watch(request: http.ClientRequest, what: HttpRequest): Promise<http.IncomingMessage> {
    const { connect } = this.#timeouts;
    return new Promise((resolve, reject) => {
      const { signal } = what;
      const abort = (): void => void request.destroy(new Error('aborted'));
      // One signal ends them all, and Node warns of more than ten that listen.
      if (signal !== undefined) setMaxListeners(0, signal);
      signal?.addEventListener('abort', abort, { once: true });
      let connecting: NodeJS.Timeout | undefined;
      request.once('socket', (socket) => {
        if (!socket.connecting) return;
        const late = (): void => void request.destroy(new TimeoutError(`no connection within ${connect / 1000} s`));
        connecting = setTimeout(late, connect);
        const secure = what.origin.startsWith('https:');
        socket.once(secure ? 'secureConnect' : 'connect', () => clearTimeout(connecting));
      });
      request.on('timeout', () => {
        if (what.pace?.idle !== true) request.destroy(new TimeoutError('nothing came for too long'));
      });
      request.once('close', () => {
        clearTimeout(connecting);
        signal?.removeEventListener('abort', abort);
      });
      // Node emits more than one where a server answers and then cuts the upload.
      request.on('error', (error) => reject(connectionFault(error, what)));
      request.once('response', resolve);
    });
  }

  /** Closes the idle connections. */
  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }
}

export interface Exchange {
  readonly request: http.ClientRequest;
  /** Rejects with a Fault, or SHARDFEED_ABORTED. */
  readonly answer: Promise<http.IncomingMessage>;
}

class TimeoutError extends Error {}

/** More than any listing in batches; a folder that an old gateway lists in one piece may take as much. */
const MOST_TEXT = 256 << 20;
const MOST_ERROR_TEXT = 1 << 18;

/** What a message about a request is made of. */
export type From = Pick<HttpRequest, 'origin' | 'signal' | 'dataNode'>;

/** What a broken connection means; SHARDFEED_ABORTED where the caller broke it. */
export function connectionFault(error: unknown, request: From): Fault | ShardfeedError {
  if (request.signal?.aborted === true) {
    return new ShardfeedError('SHARDFEED_ABORTED', 'aborted', { cause: request.signal.reason });
  }
  if (error instanceof Fault) return error;
  const { message, code } = error as NodeJS.ErrnoException;
  const server = request.origin.replace(/^\w+:\/\//, '');
  const tls = /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code ?? '') || WRONG_PROTOCOL.test(message);
  return new Fault('SHARDFEED_HDFS_UNREACHABLE', describe(message, code, request), {
    server,
    cause: redactError(error),
    remedy: tls ? 'none' : request.dataNode === true ? 'again' : 'elsewhere',
    ...(request.dataNode === true ? { dataNode: server } : {}),
  });
}

const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'it refuses the connection',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'its name cannot be resolved',
  EHOSTUNREACH: 'there is no route to it',
  ETIMEDOUT: 'it does not answer',
};

const WRONG_PROTOCOL = /wrong version number|packet length too long/;

function describe(message: string, code: string | undefined, { dataNode }: From): string {
  const sentence = code === undefined ? undefined : SENTENCES[code];
  if (/SELF_SIGNED|UNABLE_TO/.test(code ?? '')) {
    return `its certificate is not trusted (${message}): name its authority by the option tls.ca or SSL_CERT_FILE`;
  }
  if (WRONG_PROTOCOL.test(message)) return 'it does not speak TLS: is this the port of https?';
  const [, alert] = /alert (bad certificate|certificate unknown|certificate required|unknown ca)/.exec(message) ?? [];
  if (alert !== undefined)
    return `it refuses our certificate (${alert}): name one that it trusts by tls.cert and tls.key`;
  if (code === 'ENOTFOUND' && dataNode !== true) {
    return 'no such host, nor a name service of the configuration (ENOTFOUND); hdfs:/// leads to its default cluster';
  }
  if (sentence !== undefined) return `${sentence} (${code})`;
  return code?.startsWith('HPE_') === true ? `it does not speak HTTP (${message}): is this a port of https?` : message;
}
