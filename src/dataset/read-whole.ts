import { ShardfeedError } from '../errors.js';
import type { Location, ReadOptions } from '../files/index.js';

/** All bytes of a small file, or of a range of one. @throws SHARDFEED_TOO_LARGE above `limit` bytes */
export async function readWhole(
  { fs, path }: Location,
  options: ReadOptions & { limit?: number } = {},
): Promise<Uint8Array> {
  const { limit = Number.POSITIVE_INFINITY, ...read } = options;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of fs.read(path, read)) {
    size += chunk.length;
    if (size > limit) throw new ShardfeedError('SHARDFEED_TOO_LARGE', `${path} has more than ${limit} bytes`, { path });
    chunks.push(chunk);
  }
  if (chunks.length === 1) return chunks[0]!;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
