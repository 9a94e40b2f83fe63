import type { FileWriter, Location } from '../../files/index.js';

/** A JSON lines file that comes to be with its first line. */
export class Quarantine {
  readonly #location: Location;
  #writer: FileWriter | undefined;
  /** What is being written; once it fails, all that follows fails too. */
  #last: Promise<void> = Promise.resolve();

  constructor(location: Location) {
    this.#location = location;
  }

  /** One row or record that was left out, and why. Calls may overlap. */
  add(rejected: Readonly<Record<string, unknown>>): Promise<void> {
    this.#last = this.#last.then(async () => {
      this.#writer ??= await this.#location.fs.create(this.#location.path, { overwrite: true });
      await this.#writer.write(new TextEncoder().encode(`${JSON.stringify(rejected)}\n`));
    });
    return this.#last;
  }

  /** What was written stays, also after a failed job: it tells why. */
  async close(): Promise<void> {
    await this.#last.finally(() => this.#writer?.close());
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
