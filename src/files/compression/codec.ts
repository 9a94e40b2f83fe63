import * as zlib from 'node:zlib';
import { ShardfeedError } from '../../errors.js';

/** How a whole file is compressed. zstd is only read, and only where Node has it. */
export type Codec = 'none' | 'gzip' | 'zlib' | 'zstd';

const EXTENSIONS: readonly [extension: string, codec: Codec][] = [
  ['.gz', 'gzip'],
  ['.gzip', 'gzip'],
  // Hadoop's DefaultCodec writes zlib streams under this name.
  ['.deflate', 'zlib'],
  ['.zlib', 'zlib'],
  ['.zz', 'zlib'],
  ['.zst', 'zstd'],
  ['.zstd', 'zstd'],
];

/** What the name of a file says about its compression, and the name without that. */
export function splitCodec(name: string): { codec: Codec; stem: string } {
  const lower = name.toLowerCase();
  for (const [extension, codec] of EXTENSIONS) {
    if (lower.endsWith(extension)) return { codec, stem: name.slice(0, -extension.length) };
  }
  return { codec: 'none', stem: name };
}

/** What the name of a file, without the end that tells its compression, says about its content. */
export function contentOfName(stem: string): 'tfrecord' | 'csv' | undefined {
  if (/\.(csv|tsv|txt)$/i.test(stem)) return 'csv';
  if (/\.tf(r|rec|record|records)$/i.test(stem) || /^part-|-\d{5}-of-\d{5}$/.test(stem)) return 'tfrecord';
  return undefined;
}

/** zlib's deflate level: 0 (stored) to 9 (smallest), -1 for zlib's default, which is 6. @throws SHARDFEED_USAGE */
export function checkLevel(level = -1): number {
  if (Number.isInteger(level) && level >= -1 && level <= 9) return level;
  throw new ShardfeedError('SHARDFEED_USAGE', `compression level ${level}: a whole number from -1 to 9 is wanted`);
}

/** Node's zstd decoder. @throws SHARDFEED_UNSUPPORTED before Node 22.15 */
export function zstdDecoder(options: zlib.ZlibOptions): zlib.Gunzip {
  // The types are those of the oldest Node, which has no zstd.
  const { createZstdDecompress } = zlib as { createZstdDecompress?: (options: zlib.ZlibOptions) => zlib.Gunzip };
  if (createZstdDecompress !== undefined) return createZstdDecompress(options);
  throw new ShardfeedError(
    'SHARDFEED_UNSUPPORTED',
    `this file is compressed with zstd, which Node reads from version 22.15 on; this is ${process.versions.node}`,
  );
}
