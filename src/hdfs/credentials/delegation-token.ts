import { ShardfeedError } from '../../errors.js';
import { WritableReader, writeVInt } from './writable.js';

/** What a delegation token says about itself (`AbstractDelegationTokenIdentifier`); times by the server's clock. */
export interface TokenIdentifier {
  readonly owner: string;
  readonly renewer: string;
  readonly realUser: string;
  /** Milliseconds since the epoch. */
  readonly issueTime: number;
  /** Beyond this no renewal leads, in milliseconds since the epoch. */
  readonly maxTime: number;
}

interface TokenParts {
  readonly identifier: Uint8Array;
  readonly password: Uint8Array;
  readonly kind: string;
  readonly service: string;
}

/**
 * A delegation token of Hadoop. It is a secret: neither inspection nor JSON shows it, only {@link urlString} hands it out.
 */
export class DelegationToken {
  /** `HDFS_DELEGATION_TOKEN`, `WEBHDFS delegation`, `SWEBHDFS delegation`. */
  readonly kind: string;
  /** Whom it is for: `host:port` or `ha-hdfs:nameservice`; HttpFS leaves it empty. */
  readonly service: string;
  readonly identifier: TokenIdentifier | undefined;
  readonly #urlString: string;

  constructor(parts: TokenParts) {
    this.kind = parts.kind;
    this.service = parts.service;
    this.identifier = readIdentifier(parts.identifier);
    const { identifier, password } = parts;
    const fields = [identifier, password, Buffer.from(parts.kind), Buffer.from(parts.service)];
    const written = fields.flatMap((field) => [writeVInt(field.length), field]);
    this.#urlString = Buffer.concat(written).toString('base64url');
  }

  /**
   * Reads the form that WebHDFS hands out: URL-safe base64 of the Writable.
   * @throws SHARDFEED_HDFS_AUTH for anything else
   */
  static parse(text: string): DelegationToken {
    if (!/^[\w+/-]+={0,2}$/.test(text)) {
      throw new ShardfeedError('SHARDFEED_HDFS_AUTH', 'the delegation token is not URL-safe base64; fetch it again');
    }
    const reader = new WritableReader(Buffer.from(text, 'base64'), 'the delegation token');
    const token = new DelegationToken(readToken(reader));
    if (!reader.atEnd)
      throw new ShardfeedError('SHARDFEED_HDFS_AUTH', 'the delegation token is damaged; fetch it again');
    return token;
  }

  /** What the parameter `delegation` takes. Secret. */
  get urlString(): string {
    return this.#urlString;
  }
}

/** Reads a token as `Token.write` leaves it: identifier, password, kind, service. */
export function readToken(reader: WritableReader): TokenParts {
  return {
    identifier: reader.byteString(),
    password: reader.byteString(),
    kind: reader.text(),
    service: reader.text(),
  };
}

/** Undefined for the identifier of another kind of token. */
function readIdentifier(bytes: Uint8Array): TokenIdentifier | undefined {
  const reader = new WritableReader(bytes, 'the identifier of the delegation token');
  try {
    if (reader.take(1)[0] !== 0) return undefined;
    const [owner, renewer, realUser] = [reader.text(), reader.text(), reader.text()];
    return { owner, renewer, realUser, issueTime: reader.number(), maxTime: reader.number() };
  } catch {
    return undefined;
  }
}
