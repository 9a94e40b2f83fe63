import type { ByteSource } from '../records/byte-source.js';
import type { Codec } from './compression/codec.js';
import { type DecompressOptions, decompress } from './compression/decompress.js';
import type { Location } from './files.js';

export interface OpenSourceOptions extends Omit<DecompressOptions, 'path' | 'reopen'> {
  /** Default `'auto'`: told by the first bytes, then by the name. */
  codec?: Codec | 'auto';
}

/** The uncompressed bytes of a file, from `start` on. See `decompress`. */
export function openSource({ fs, path }: Location, options: OpenSourceOptions = {}): ByteSource {
  const { codec = 'auto', ...rest } = options;
  const reopen = (start: number) => fs.read(path, { signal: rest.signal, start });
  return decompress(reopen(rest.start ?? 0), codec, { ...rest, path, reopen });
}
