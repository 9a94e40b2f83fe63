import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localFileSystem } from '../../files/index.js';
import type { InputFile } from './source.js';

/** Keeps input that cannot be read twice (standard input, compressed files) on local disk, for this user alone. */
export class InputSpool {
  readonly #parent: string;
  #dir: Promise<string> | undefined;
  #count = 0;

  constructor(spoolDir: string = tmpdir()) {
    this.#parent = spoolDir;
  }

  /** Writes all bytes of the source to a file. `uri` is what messages call it. */
  async keep(uri: string, source: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<InputFile> {
    this.#dir ??= mkdtemp(join(this.#parent, 'shardfeed-input-'));
    const path = join(await this.#dir, `${this.#count++}`);
    const fs = localFileSystem();
    const writer = await fs.create(path, { signal });
    let size = 0;
    try {
      for await (const bytes of source) {
        await writer.write(bytes);
        size += bytes.length;
      }
      await writer.close();
    } catch (error) {
      await writer.abort();
      throw error;
    }
    return { uri, fs, path, size };
  }

  async close(): Promise<void> {
    if (this.#dir !== undefined) await rm(await this.#dir, { recursive: true, force: true });
  }
}
