import { createHash } from 'node:crypto';
import { ShardfeedError } from '../../errors.js';
import { compareBytes } from '../../files/index.js';
import { elementsOf } from '../parameters.js';
import {
  type Checkpoint,
  type CheckpointArray,
  type CheckpointTensor,
  type CheckpointTensors,
  parseInfo,
} from './checkpoint.js';

export const FORMAT = 'shardfeed-checkpoint-1';
/** Stands in the header while its own digest is taken. */
export const NO_DIGEST = '0'.repeat(64);

/** What safetensors calls the arrays' types. */
export const DTYPES = { F64: Float64Array, F32: Float32Array, I32: Int32Array, U8: Uint8Array } as const;
export type Dtype = keyof typeof DTYPES;

/**
 * A checkpoint as the bytes of a safetensors file (https://github.com/huggingface/safetensors, format): 8 bytes little-endian length
 * of the header, the header as JSON, padded by blanks to a multiple of 8, then the tensors one behind the other, wide types first,
 * else by the UTF-8 bytes of their names. The header's `__metadata__` (texts only) holds
 *
 *     format         shardfeed-checkpoint-1
 *     header_sha256  of the header without padding, with 64 zeros in the place of this value
 *     digests        JSON: SHA-256 of each tensor's bytes
 *     info           JSON: CheckpointInfo
 *
 * All is copied before this returns.
 */
export function encodeCheckpoint({ info, tensors }: Checkpoint): Uint8Array {
  const digests: [name: string, sha256: string][] = [];
  const places: [name: string, place: object][] = [];
  const copies: Uint8Array[] = [];
  let end = 0;
  for (const [name, { shape, values }] of sorted(tensors)) {
    checkShape(name, shape, values);
    // A copy: hashes and files take no memory that threads share, and the caller may go on at once.
    const bytes = new Uint8Array(values.byteLength);
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    copies.push(bytes);
    digests.push([name, sha256(bytes)]);
    places.push([name, { dtype: dtypeOf(values), shape, data_offsets: [end, end + bytes.length] }]);
    end += bytes.length;
  }
  const metadata = {
    format: FORMAT,
    header_sha256: NO_DIGEST,
    digests: JSON.stringify(Object.fromEntries(digests)),
    info: JSON.stringify(parseInfo(JSON.parse(JSON.stringify({ savedAt: Date.now(), ...info })))),
  };
  const blank = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(places) });
  const header = Buffer.from(blank.replace(NO_DIGEST, sha256(Buffer.from(blank))));
  const length = Math.ceil(header.length / 8) * 8;
  const file = Buffer.alloc(8 + length + end, ' ', 'latin1');
  file.writeBigUInt64LE(BigInt(length));
  header.copy(file, 8);
  let at = 8 + length;
  for (const bytes of copies) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Wide types first, so that every tensor is aligned. */
function sorted(tensors: CheckpointTensors): [name: string, tensor: CheckpointTensor][] {
  const width = ({ values }: CheckpointTensor): number => values.BYTES_PER_ELEMENT;
  return Object.entries(tensors).sort(([a, x], [b, y]) => width(y) - width(x) || compareBytes(a, b));
}

function dtypeOf(values: CheckpointArray): Dtype {
  for (const [name, type] of Object.entries(DTYPES)) if (values instanceof type) return name as Dtype;
  throw new ShardfeedError(
    'SHARDFEED_USAGE',
    'a checkpoint takes Float64Array, Float32Array, Int32Array and Uint8Array',
  );
}

function checkShape(name: string, shape: readonly number[], values: CheckpointArray): void {
  const size = elementsOf(shape);
  if (size === values.length && name !== '__metadata__') return;
  const what = `tensor ${JSON.stringify(name)}: shape [${shape}] means ${size} values, ${values.length} are given`;
  throw new ShardfeedError('SHARDFEED_USAGE', what);
}
