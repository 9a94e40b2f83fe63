import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

const NEWLINE = Buffer.from('\n');

/** A file for each rank, `rank-0.log`, with all that it wrote over all attempts. */
export class RankLogs {
  readonly #folder: string;
  readonly #files = new Map<number, WriteStream>();
  #failed = false;

  /** Makes the folder where it is missing. */
  static async open(folder: string): Promise<RankLogs> {
    await mkdir(folder, { recursive: true });
    return new RankLogs(folder);
  }

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Resolves when the next line may come. What cannot be written is told of once, and ends nothing. */
  async line(rank: number, line: Uint8Array): Promise<void> {
    const file = this.#files.get(rank) ?? this.#open(rank);
    if (file.destroyed || file.write(Buffer.concat([line, NEWLINE]))) return;
    await once(file, 'drain').catch(() => undefined);
  }

  async close(): Promise<void> {
    const open = [...this.#files.values()].filter(({ destroyed }) => !destroyed);
    await Promise.all(open.map((file) => new Promise((resolve) => file.end(resolve))));
  }

  #open(rank: number): WriteStream {
    const file = createWriteStream(join(this.#folder, `rank-${rank}.log`), { flags: 'a' });
    file.on('error', (error) => {
      if (!this.#failed) process.emitWarning(`a rank's log cannot be written: ${error.message}`, 'ShardfeedWarning');
      this.#failed = true;
    });
    this.#files.set(rank, file);
    return file;
  }
}
