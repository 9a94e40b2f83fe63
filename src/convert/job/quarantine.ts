import { type FileWriter, type Location, putFile, type TemporaryFiles } from '../../files/index.js';

/** A JSON lines file that comes to be with its first line. */
export class Quarantine {
  readonly #location: Location;
  readonly #temporary: TemporaryFiles;
  /** Where the lines are until `close`, for a file system where writing may be interrupted. */
  #kept: Location | undefined;
  #writer: FileWriter | undefined;
  /** What is being written; once it fails, all that follows fails too. */
  #last: Promise<void> = Promise.resolve();

  constructor(location: Location, temporary: TemporaryFiles) {
    this.#location = location;
    this.#temporary = temporary;
  }

  /** One row or record that was left out, and why. Calls may overlap. */
  add(rejected: Readonly<Record<string, unknown>>): Promise<void> {
    this.#last = this.#last.then(async () => {
      this.#writer ??= await this.#begin();
      await this.#writer.write(new TextEncoder().encode(`${JSON.stringify(rejected)}\n`));
    });
    return this.#last;
  }

  /** What was written stays, also after a failed job: it tells why. */
  async close(): Promise<void> {
    await this.#last.finally(() => this.#writer?.close());
    const { fs, path } = this.#location;
    const kept = this.#kept;
    if (kept !== undefined) await putFile(fs, path, () => kept.fs.read(kept.path), { overwrite: true });
  }

  async #begin(): Promise<FileWriter> {
    const { fs, path } = this.#location;
    if (fs.capabilities.interruptibleWrites !== true) return fs.create(path, { overwrite: true });
    const { writer, ...kept } = await this.#temporary.create();
    this.#kept = kept;
    return writer;
  }
}

/** Bytes as text where they are UTF-8, else as base64. */
export function textOrBase64(bytes: Uint8Array): string | { base64: string } {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { base64: Buffer.from(bytes).toString('base64') };
  }
}
