import { z } from 'zod';
import { recordOf } from '../../record-of.js';
import {
  type Checkpoint,
  type CheckpointArray,
  type CheckpointInfo,
  type CheckpointTensor,
  invalid,
  parseInfo,
} from './checkpoint.js';
import { DTYPES, FORMAT, NO_DIGEST, sha256 } from './encode-checkpoint.js';

/** As the safetensors library has it. */
const MOST_HEADER_BYTES = 100_000_000;

const count = z.int().min(0);
const place = z.object({
  dtype: z.enum(['F64', 'F32', 'I32', 'U8']),
  shape: z.array(count),
  data_offsets: z.tuple([count, count]),
});
const metadata = z.object({
  format: z.literal(FORMAT),
  header_sha256: z.string().regex(/^[0-9a-f]{64}$/),
  digests: z.string(),
  info: z.string(),
});
const headerJson = z.preprocess(
  (json) => {
    const { __metadata__, ...tensors } = Object(json);
    return { __metadata__, tensors };
  },
  z.object({ __metadata__: metadata, tensors: recordOf(place) }),
);

/** What the first bytes of a checkpoint say, checked. */
export interface CheckpointHeader {
  readonly info: CheckpointInfo;
  readonly places: readonly (z.infer<typeof place> & { readonly name: string; readonly sha256: unknown })[];
  /** Where the tensors begin. */
  readonly start: number;
  /** Bytes that the file must have. */
  readonly size: number;
}

/** Bytes of the header, with its length in front. @throws SHARDFEED_CHECKPOINT */
export function headerBytes(head: Uint8Array, path: string): number {
  if (head.length < 8) throw invalid(`it has ${head.length} bytes, which is no safetensors file`, path);
  const length = Buffer.from(head.buffer, head.byteOffset).readBigUInt64LE();
  if (length <= MOST_HEADER_BYTES) return 8 + Number(length);
  throw invalid(`its header would have ${length} bytes, which is no safetensors file`, path);
}

/** @param bytes the file's, at least as many as {@link headerBytes} @throws SHARDFEED_CHECKPOINT */
export function decodeHeader(bytes: Uint8Array, path: string): CheckpointHeader {
  const start = headerBytes(bytes, path);
  if (bytes.length < start) throw invalid('it ends within its header', path);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + 8, start - 8)
    .toString()
    .trimEnd();
  const header = headerJson.safeParse(parseJson(text, path));
  if (!header.success) throw invalid(`its header is none of ours: ${z.prettifyError(header.error)}`, path);
  const { __metadata__: meta, tensors } = header.data;
  if (sha256(Buffer.from(text.replace(meta.header_sha256, NO_DIGEST))) !== meta.header_sha256) {
    throw invalid('the digest of its header is wrong: it was damaged', path);
  }
  const digests = Object(parseJson(meta.digests, path)) as Record<string, unknown>;
  const places = Object.entries(tensors).map(([name, tensor]) => ({ ...tensor, name, sha256: digests[name] }));
  const size = places.reduce((end, { data_offsets }) => Math.max(end, start + data_offsets[1]), start);
  return { info: parseInfo(parseJson(meta.info, path), path), places, start, size };
}

/** A whole file's checkpoint; its tensors are views of `bytes`, which begin at an address that 8 divides. @throws SHARDFEED_CHECKPOINT */
export function decodeCheckpoint(bytes: Uint8Array, path: string): Checkpoint {
  const { info, places, start, size } = decodeHeader(bytes, path);
  if (bytes.length !== size) throw invalid(`it has ${bytes.length} bytes, ${size} are wanted: it was cut off`, path);
  const tensors = places.map(({ name, dtype, shape, data_offsets: [from, to], sha256: digest }) => {
    const part = bytes.subarray(start + from, start + to);
    if (sha256(part) !== digest)
      throw invalid(`the digest of tensor ${JSON.stringify(name)} is wrong: it was damaged`, path);
    const type = DTYPES[dtype];
    const values: CheckpointArray = new type(
      part.buffer as ArrayBuffer,
      part.byteOffset,
      part.length / type.BYTES_PER_ELEMENT,
    );
    return [name, { shape, values }] satisfies [string, CheckpointTensor];
  });
  return { info, tensors: Object.fromEntries(tensors) };
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid('its header is no JSON', path, cause);
  }
}
