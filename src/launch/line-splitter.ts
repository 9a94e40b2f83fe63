const NEWLINE = 10;
const MOST_BYTES = 1 << 20;

/**
 * Cuts a stream of bytes into lines without their ends. What has no end yet waits for it, up to a limit; a line is cut there
 * between two characters of UTF-8.
 */
export class LineSplitter {
  #rest: Buffer = Buffer.alloc(0);
  readonly #most: number;

  constructor(most = MOST_BYTES) {
    this.#most = most;
  }

  /** The lines that end in the chunk. */
  push(chunk: Uint8Array): Buffer[] {
    const bytes = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    const lines: Buffer[] = [];
    let from = 0;
    for (;;) {
      const end = bytes.indexOf(NEWLINE, from);
      const stop = end < 0 ? bytes.length : end;
      while (stop - from > this.#most) {
        const cut = characterStart(bytes, from + this.#most);
        lines.push(bytes.subarray(from, cut));
        from = cut;
      }
      if (end < 0) break;
      lines.push(bytes.subarray(from, end));
      from = end + 1;
    }
    this.#rest = bytes.subarray(from);
    return lines;
  }

  /** What is left at the end of the stream, as the last line. */
  end(): Buffer[] {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    return rest.length === 0 ? [] : [rest];
  }
}

/** The last place up to `at` where a character begins: at most three bytes before it. */
function characterStart(bytes: Uint8Array, at: number): number {
  for (let i = at; i > at - 4; i--) if ((bytes[i]! & 0xc0) !== 0x80) return i;
  return at;
}
