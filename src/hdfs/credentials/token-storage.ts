import { readFile } from 'node:fs/promises';
import { ShardfeedError } from '../../errors.js';
import { Wire, WireReader } from '../../records/wire.js';
import { DelegationToken, readToken } from './delegation-token.js';
import { WritableReader } from './writable.js';

const MAGIC = 'HDTS';

/**
 * The tokens of a file in Hadoop's token storage format (`org.apache.hadoop.security.Credentials`), which YARN names in
 * HADOOP_TOKEN_FILE_LOCATION and `hdfs fetchdt` and `hadoop dtutil` write: version 0, Writable, and version 1, protobuf.
 * @throws SHARDFEED_HDFS_AUTH where the file cannot be read or is no such file
 */
export async function readTokenFile(path: string): Promise<DelegationToken[]> {
  const bytes = await readFile(path).catch((cause) => {
    throw new ShardfeedError('SHARDFEED_HDFS_AUTH', `the token file ${path} cannot be read: ${cause.message}`, {
      path,
      cause,
    });
  });
  return parseTokenStorage(bytes, path);
}

/** The tokens in a token file's bytes. @throws SHARDFEED_HDFS_AUTH */
export function parseTokenStorage(bytes: Uint8Array, path: string): DelegationToken[] {
  const damaged = (why: string): ShardfeedError =>
    new ShardfeedError('SHARDFEED_HDFS_AUTH', `${path} is no token file of Hadoop: ${why}`, { path });
  if (Buffer.from(bytes.subarray(0, 4)).toString('latin1') !== MAGIC) throw damaged(`it does not begin with ${MAGIC}`);
  const body = bytes.subarray(5);
  if (bytes[4] === 0) return readWritable(body, `the token file ${path}`);
  if (bytes[4] !== 1) throw damaged(`its version is ${bytes[4]}, and 0 and 1 are known`);
  try {
    return readProtobuf(body);
  } catch {
    throw damaged('its protobuf is cut short or damaged');
  }
}

function readWritable(body: Uint8Array, what: string): DelegationToken[] {
  const reader = new WritableReader(body, what);
  const tokens: DelegationToken[] = [];
  for (let left = reader.number(); left > 0; left--) {
    reader.text(); // the alias
    tokens.push(new DelegationToken(readToken(reader)));
  }
  return tokens; // secret keys follow
}

/** `CredentialsProto`, with its length in front (Hadoop's Security.proto). */
function readProtobuf(body: Uint8Array): DelegationToken[] {
  const reader = new WireReader(body);
  const tokens: DelegationToken[] = [];
  for (const entry of repeated(body, reader.length(body.length), reader.position, 1)) {
    const token = repeated(entry, entry.length, 0, 2).at(-1);
    if (token === undefined) continue;
    const field = (number: number): Buffer => Buffer.from(repeated(token, token.length, 0, number).at(-1)!);
    tokens.push(
      new DelegationToken({
        identifier: field(1),
        password: field(2),
        kind: field(3).toString(),
        service: field(4).toString(),
      }),
    );
  }
  return tokens;
}

/** The values of a field that holds bytes, in [start, end). */
function repeated(bytes: Uint8Array, end: number, start: number, field: number): Uint8Array[] {
  const reader = new WireReader(bytes);
  reader.position = start;
  const values: Uint8Array[] = [];
  while (reader.position < end) {
    reader.tag(end);
    if (reader.field === field && reader.wireType === Wire.LENGTH) {
      const stop = reader.length(end);
      values.push(bytes.subarray(reader.position, stop));
      reader.position = stop;
    } else {
      reader.skip(end);
    }
  }
  return values;
}
