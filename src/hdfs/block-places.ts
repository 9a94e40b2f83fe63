import { parentPath } from '../files/index.js';
import type { DataTarget } from './client.js';
import { encodePath } from './encode-path.js';
import type { HdfsStatus } from './status.js';

/** A name node may have moved blocks meanwhile, and a token in a redirect does not live for ever. */
const KEPT_MS = 300_000;
/** Of a file this small any data node may send the bytes: the way from node to node costs less than to ask which one has them. */
const SMALL_BYTES = 1 << 16;
/** Folders whose data nodes are known, those that were found last. */
const FOLDERS = 32;

interface Place {
  readonly target: DataTarget;
  readonly since: number;
}

/** The data nodes that the name node sent us to for files of a folder, by origin. */
export class FolderPlaces {
  readonly #folders = new Map<string, Map<string, Place>>();
  #turn = 0;

  /** One of them, each in turn. */
  find(folder: string): DataTarget | undefined {
    const places = [...(this.#folders.get(folder)?.values() ?? [])].filter(isFresh);
    return places[this.#turn++ % places.length]?.target;
  }

  keep(folder: string, target: DataTarget): void {
    const places = this.#folders.get(folder) ?? new Map<string, Place>();
    if (isFresh(places.get(target.origin))) return;
    places.set(target.origin, { target, since: performance.now() });
    this.#folders.delete(folder);
    this.#folders.set(folder, places); // behind all others
    if (this.#folders.size > FOLDERS) this.#folders.delete(this.#folders.keys().next().value!);
  }

  forget(folder: string, origin: string): void {
    this.#folders.get(folder)?.delete(origin);
  }
}

/**
 * Which data node the name node sent us to for each block of a file. It serves other ranges of the block too, and asks the
 * name node itself, in our name, before every answer: so nothing is read that we may not, and a redirect is spared. So it does
 * for small files of the same folder.
 */
export class BlockPlaces {
  readonly #file: Pick<HdfsStatus, 'path' | 'size' | 'blockSize'>;
  readonly #folder: string;
  readonly #near: FolderPlaces;
  readonly #places = new Map<number, Place>();

  /** `blockSize` in bytes; 0 where it is not known. */
  constructor(file: Pick<HdfsStatus, 'path' | 'size' | 'blockSize'>, near: FolderPlaces) {
    this.#file = file;
    this.#folder = parentPath(file.path);
    this.#near = near;
  }

  /** Where to ask for bytes [start, end), where that is known. */
  find(start: number, end: number): DataTarget | undefined {
    const own = this.#places.get(this.#block(start));
    const small = this.#file.size <= SMALL_BYTES;
    const found = isFresh(own) ? own.target : small ? this.#near.find(this.#folder) : undefined;
    if (found === undefined) return undefined;
    const query = withParameters(found.target, { offset: start, length: end - start });
    return query === undefined ? undefined : { ...found, target: encodePath(this.#file.path) + query };
  }

  /** Takes note of where the name node sent us for the byte at `start`. */
  keep(start: number, target: DataTarget): void {
    if (!target.dataNode) return;
    if (this.#file.blockSize > 0) this.#places.set(this.#block(start), { target, since: performance.now() });
    this.#near.keep(this.#folder, target);
  }

  /** What it was is no good: the data node of the byte at `start`, and `asked`, which was tried. */
  forget(start: number, asked: DataTarget | undefined): void {
    this.#places.delete(this.#block(start));
    if (asked !== undefined) this.#near.forget(this.#folder, asked.origin);
  }

  #block(at: number): number {
    return Math.floor(at / this.#file.blockSize);
  }
}

function isFresh(place: Place | undefined): place is Place {
  return place !== undefined && performance.now() - place.since <= KEPT_MS;
}

/** The query of a target, with other values for parameters that it has. */
function withParameters(target: string, values: Readonly<Record<string, number>>): string | undefined {
  let replaced = target.slice(target.indexOf('?'));
  for (const [name, value] of Object.entries(values)) {
    const pattern = new RegExp(`([?&]${name}=)\\d+`);
    if (!pattern.test(replaced)) return undefined;
    replaced = replaced.replace(pattern, `$1${value}`);
  }
  return replaced;
}
