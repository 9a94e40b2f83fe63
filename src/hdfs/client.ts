import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isShardfeedError } from '../errors.js';
import { FolderPlaces } from './block-places.js';
import type { CheckRedirect } from './credentials/index.js';
import type { Credentials, CredentialsContext, NameNodeTarget } from './credentials.js';
import { encodePath, encodeQuery, type QueryValue } from './encode-path.js';
import { Fault } from './fault.js';
import type { Answer, HttpClient, HttpRequest, Pace } from './http.js';
import { faultOf } from './remote-exception.js';
import { Attempts, asError, type RetryOptions, type Task } from './retry.js';

/** One operation of WebHDFS. */
export interface Operation extends Task {
  readonly method: HttpRequest['method'];
  /** `GETFILESTATUS`, `OPEN`, ... */
  readonly op: string;
  readonly query?: Readonly<Record<string, QueryValue>>;
}

/** Where the second step of an operation goes. */
export interface DataTarget {
  readonly origin: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  /** False where the gateway that was asked serves the data itself. */
  readonly dataNode: boolean;
}

export interface ClientOptions {
  /** In order of preference. */
  nameNodes: readonly NameNodeTarget[];
  http: HttpClient;
  credentials: Credentials;
  retry: RetryOptions;
  /** Where a name node may send us. */
  checkRedirect: CheckRedirect;
}

/** Speaks to the name nodes of one cluster: to the active one, which it looks for and remembers. */
export class HdfsClient {
  readonly http: HttpClient;
  /** Data nodes that the name nodes named. */
  readonly places = new FolderPlaces();
  readonly #options: ClientOptions;
  #active = 0;
  #reached = false;
  #gateway: boolean;

  constructor(options: ClientOptions) {
    this.http = options.http;
    this.#options = options;
    this.#gateway = options.nameNodes.some(({ gateway }) => gateway);
  }

  /** Whether this is an HttpFS gateway, which knows no rename options and no data nodes. */
  get gateway(): boolean {
    return this.#gateway;
  }

  /** To be called where an answer shows that it is one. */
  foundGateway(): void {
    this.#gateway = true;
  }

  /**
   * Does an operation that a name node answers itself. `parse` gets its JSON, undefined for an empty answer; where it finds
   * a Fault in that, the operation is tried again.
   */
  json<T>(operation: Operation, parse: (answer: unknown) => T): Promise<T> {
    return this.run(operation, async (nameNode) => parse(await this.jsonOnce(nameNode, operation)));
  }

  /** One attempt at an operation, and its JSON. @throws Fault */
  async jsonOnce(nameNode: NameNodeTarget, operation: Operation): Promise<unknown> {
    const answer = await this.#askNameNode(nameNode, operation);
    if (answer.status !== 200 && answer.status !== 201) throw this.#faultOf(nameNode, answer);
    return parseJson(answer.body, nameNode.origin);
  }

  /** Asks a name node where the data of a file is to be read or written. @throws Fault */
  async locate(nameNode: NameNodeTarget, operation: Operation): Promise<DataTarget> {
    const request = await this.#request(nameNode, operation);
    if (this.gateway) return operation.method === 'GET' ? request : this.#request(nameNode, operation, { data: true });
    const answer = await this.http.open({ ...request, method: operation.method, signal: operation.signal });
    this.#met(nameNode, answer);
    if (answer.statusCode === 200 && answer.headers['content-type']?.startsWith('application/octet-stream') === true) {
      // Only a gateway serves the data itself.
      answer.destroy();
      this.foundGateway();
      return request;
    }
    const body = await this.http.text(answer, { ...request, signal: operation.signal });
    const { location } = answer.headers;
    if (answer.statusCode !== 307 || location === undefined) {
      throw this.#faultOf(nameNode, { status: answer.statusCode!, body });
    }
    const { origin, search } = await this.#checkRedirect(location, nameNode, request);
    const same = origin === nameNode.origin;
    return {
      origin,
      // The name node's Java composes letters and their accents into one (NFC), which would be another name.
      target: encodePath(operation.path) + search,
      headers: same ? await this.#headers(nameNode, operation) : {},
      dataNode: !same,
    };
  }

  /** The second step of a read: resolves once the bytes begin. @throws Fault */
  async openData(from: DataTarget, operation: Operation, pace?: Pace): Promise<IncomingMessage> {
    const request = { ...from, method: operation.method, signal: operation.signal, pace };
    const answer = await this.http.open(request);
    if (answer.statusCode === 200) return answer;
    throw await this.dataFault(from, answer);
  }

  /** The same for an operation that a data node answers. */
  dataJson<T>(operation: Operation, parse: (answer: unknown) => T): Promise<T> {
    return this.run(operation, async (nameNode) => {
      const from = await this.locate(nameNode, operation);
      const answer = await this.openData(from, operation);
      return parse(parseJson(await this.http.text(answer, { ...from, signal: operation.signal }), from.origin));
    });
  }

  /** What a data node's refusal means; reads the answer to its end. */
  async dataFault(from: DataTarget, answer: IncomingMessage): Promise<Fault> {
    const server = from.origin.replace(/^\w+:\/\//, '');
    const body = await this.http.text(answer, from);
    const secrets = this.#options.credentials.secrets?.() ?? [];
    return faultOf({
      status: answer.statusCode!,
      body,
      server,
      secrets,
      ...(from.dataNode ? { dataNode: server } : {}),
    });
  }

  /**
   * Tries until it succeeds: with the next name node after `elsewhere`, after a pause for `again`. `patience` in milliseconds
   * is for what need not succeed.
   * @throws ShardfeedError that lists what was tried
   */
  async run<T>(
    task: Task,
    attempt: (nameNode: NameNodeTarget, attempts: Attempts) => Promise<T>,
    patience = Number.POSITIVE_INFINITY,
  ): Promise<T> {
    const { nameNodes, credentials, retry } = this.#options;
    const attempts = new Attempts(task, { ...retry, patience: Math.min(patience, retry.patience) });
    let renewed = false;
    for (let inRow = 1; ; ) {
      const at = this.#active;
      const nameNode = nameNodes[at]!;
      try {
        return await attempt(nameNode, attempts);
      } catch (error) {
        if (!(error instanceof Fault)) throw asError(error, task);
        if (!renewed && error.code === 'SHARDFEED_HDFS_AUTH') {
          renewed = true;
          if ((await credentials.rejected?.(nameNode, error, this.#context(nameNode, task.signal))) === true) continue;
        }
        const elsewhere = error.remedy === 'elsewhere';
        // Others may have moved on meanwhile.
        if (elsewhere && this.#active === at) this.#active = (at + 1) % nameNodes.length;
        const round = !elsewhere || inRow++ % nameNodes.length === 0;
        await attempts.again(error, { reached: this.#reached, pause: round });
      }
    }
  }

  async #askNameNode(nameNode: NameNodeTarget, operation: Operation): Promise<Answer> {
    const request = await this.#request(nameNode, operation);
    const answer = await this.http.ask({ ...request, method: operation.method, signal: operation.signal });
    this.#met(nameNode, answer);
    return answer;
  }

  #met(nameNode: NameNodeTarget, { headers }: { readonly headers: IncomingHttpHeaders }): void {
    this.#reached = true;
    this.#options.credentials.answered?.(nameNode, headers);
  }

  async #request(
    nameNode: NameNodeTarget,
    { op, path, query, signal }: Operation,
    more: Readonly<Record<string, QueryValue>> = {},
  ): Promise<DataTarget> {
    const { credentials } = this.#options;
    const who = (await credentials.query?.(nameNode, this.#context(nameNode, signal))) ?? {};
    return {
      origin: nameNode.origin,
      target: encodePath(path) + encodeQuery({ op, ...query, ...more, ...who }),
      headers: await this.#headers(nameNode, { signal }),
      dataNode: false,
    };
  }

  async #headers(nameNode: NameNodeTarget, { signal }: { signal?: AbortSignal | undefined }) {
    return (await this.#options.credentials.headers?.(nameNode, this.#context(nameNode, signal))) ?? {};
  }

  #context(nameNode: NameNodeTarget, signal: AbortSignal | undefined): CredentialsContext {
    return {
      ...(signal === undefined ? {} : { signal }),
      ask: async ({ method, op, query, headers = {} }) => {
        const target = encodePath('/') + encodeQuery({ op, ...query });
        const answer = await this.http.ask({ method, origin: nameNode.origin, target, headers, signal });
        this.#met(nameNode, answer);
        if (answer.status !== 200) throw this.#faultOf(nameNode, answer);
        return parseJson(answer.body, nameNode.origin);
      },
    };
  }

  #faultOf(nameNode: NameNodeTarget, { status, body }: Pick<Answer, 'status' | 'body'>): Fault {
    const secrets = this.#options.credentials.secrets?.() ?? [];
    return faultOf({ status, body, server: hostOf(nameNode), secrets });
  }

  async #checkRedirect(location: string, nameNode: NameNodeTarget, { target }: DataTarget): Promise<URL> {
    try {
      return await this.#options.checkRedirect(location, new URL(target, nameNode.origin));
    } catch (error) {
      if (!isShardfeedError(error, 'SHARDFEED_HDFS_REDIRECT')) throw error;
      throw new Fault(error.code, error.message, { server: hostOf(nameNode) });
    }
  }
}

function parseJson(body: string, origin: string): unknown {
  if (body === '') return undefined;
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new Fault('SHARDFEED_HDFS_UNREACHABLE', 'its answer is no JSON', {
      server: hostOf({ origin }),
      remedy: 'elsewhere',
      cause,
    });
  }
}

function hostOf({ origin }: { readonly origin: string }): string {
  return origin.replace(/^\w+:\/\//, '');
}
