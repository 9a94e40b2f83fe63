import { ShardfeedError } from '../../../src/errors.js';
import { WritableReader, writeVInt } from '../../../src/hdfs/credentials/writable.js';
import type { CredentialsContext, CredentialsRequest, NameNodeTarget } from '../../../src/hdfs/credentials.js';

export function target(origin: string, authority: string, gateway = false): NameNodeTarget {
  return { origin, hostname: new URL(origin).hostname, authority, gateway };
}

export interface TokenSpec {
  kind?: string;
  service?: string;
  owner?: string;
  issueTime?: number;
  maxTime?: number;
  password?: Uint8Array;
}

/** A vlong; only its 9-byte form for what is above 127, which readers must take too. */
function vlong(value: number): Buffer {
  if (value <= 127) return Buffer.from([value]);
  const bytes = Buffer.alloc(9);
  bytes[0] = 256 - 120;
  bytes.writeBigInt64BE(BigInt(value), 1);
  return bytes;
}

const field = (bytes: Uint8Array | string): Buffer => {
  const body = Buffer.from(bytes as Uint8Array);
  return Buffer.concat([writeVInt(body.length), body]);
};

/** Bytes of `Token.write`. */
export function tokenBytes(spec: TokenSpec = {}): Buffer {
  const { kind = 'WEBHDFS delegation', service = '', owner = 'alice', password = Buffer.from('0123456789') } = spec;
  const { issueTime = 1_700_000_000_000, maxTime = 1_700_604_800_000 } = spec;
  const names = [owner, 'alice', ''].map(field);
  const identifier = Buffer.concat([Buffer.from([0]), ...names, vlong(issueTime), vlong(maxTime), vlong(1), vlong(2)]);
  return Buffer.concat([field(identifier), field(password), field(kind), field(service)]);
}

export const tokenText = (spec: TokenSpec = {}): string => tokenBytes(spec).toString('base64url');

/** A token storage file, version 0. */
export function storage(...tokens: TokenSpec[]): Buffer {
  const entries = tokens.flatMap((spec, i) => [field(`alias ${i}`), tokenBytes(spec)]);
  return Buffer.concat([Buffer.from('HDTS\0'), writeVInt(tokens.length), ...entries, Buffer.from([0])]);
}

/**
 * A clock and a cluster that issues tokens. Every token lives `lifeMs` from its latest renewal, and no longer than `maxMs`
 * from its issue.
 */
export class FakeCluster {
  now = 1_700_000_000_000;
  lifeMs = 1000;
  maxMs = 3000;
  /** Thrown in place of an answer. */
  failure: Error | undefined;
  readonly asked: CredentialsRequest[] = [];
  #issued = 0;

  readonly context: CredentialsContext = { ask: (request) => this.#answer(request) };

  get ops(): string[] {
    return this.asked.map(({ op }) => op);
  }

  async #answer(request: CredentialsRequest): Promise<unknown> {
    this.asked.push(request);
    await new Promise((done) => setImmediate(done));
    if (this.failure !== undefined) throw this.failure;
    if (request.op === 'GETDELEGATIONTOKEN') {
      const password = Buffer.from(`password ${this.#issued++}`);
      return { Token: { urlString: tokenText({ password, issueTime: this.now, maxTime: this.now + this.maxMs }) } };
    }
    if (request.op === 'RENEWDELEGATIONTOKEN') {
      return { long: Math.min(this.now + this.lifeMs, maxTimeOf(request.query!.token!)) };
    }
    throw new ShardfeedError('SHARDFEED_IO', `${request.op} was not expected`);
  }
}

function maxTimeOf(token: string): number {
  const identifier = new WritableReader(
    new WritableReader(Buffer.from(token, 'base64url'), 'token').byteString(),
    'it',
  );
  identifier.take(1);
  for (let i = 0; i < 3; i++) identifier.text();
  identifier.number();
  return identifier.number();
}
