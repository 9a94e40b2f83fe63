import type { DataTarget } from './client.js';

/** A name node may have moved blocks meanwhile, and a token in a redirect does not live for ever. */
const KEPT_MS = 300_000;

/**
 * Which data node the name node sent us to for each block of a file. It serves other ranges of the block too, and asks the
 * name node itself, in our name, before every answer: so nothing is read that we may not, and a redirect is spared.
 */
export class BlockPlaces {
  readonly #blockSize: number;
  readonly #places = new Map<number, { readonly target: DataTarget; readonly since: number }>();

  /** `blockSize` in bytes; 0 where it is not known. */
  constructor(blockSize: number) {
    this.#blockSize = blockSize;
  }

  /** Where to ask for bytes [start, end), where that is known. */
  find(start: number, end: number): DataTarget | undefined {
    const found = this.#places.get(this.#block(start));
    if (found === undefined || performance.now() - found.since > KEPT_MS) return undefined;
    const target = withParameters(found.target.target, { offset: start, length: end - start });
    return target === undefined ? undefined : { ...found.target, target };
  }

  /** Takes note of where the name node sent us for the byte at `start`. */
  keep(start: number, target: DataTarget): void {
    if (this.#blockSize > 0 && target.dataNode) {
      this.#places.set(this.#block(start), { target, since: performance.now() });
    }
  }

  forget(start: number): void {
    this.#places.delete(this.#block(start));
  }

  #block(at: number): number {
    return Math.floor(at / this.#blockSize);
  }
}

/** Replaces parameters of a query that has them. */
function withParameters(target: string, values: Readonly<Record<string, number>>): string | undefined {
  let replaced = target;
  for (const [name, value] of Object.entries(values)) {
    const pattern = new RegExp(`([?&]${name}=)\\d+`);
    if (!pattern.test(replaced)) return undefined;
    replaced = replaced.replace(pattern, `$1${value}`);
  }
  return replaced;
}
