import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { endianness } from 'node:os';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { allTell } from '../all-tell.js';
import type { Mesh } from '../mesh.js';
import { NONCE_BYTES, type ShmLayout } from './layout.js';

const FOLDER = '/dev/shm';
const NAME = /^shardfeed-[0-9a-f]{32}$/;
/** Files have names for milliseconds; one that is so much older was left by ranks that were all killed in these. */
const STALE_MS = 60_000;
/** Part of the reason where nothing is wrong: the job spans several hosts. */
export const OTHER_HOST = 'do not see the same /dev/shm';
const PLATFORM = `${process.platform} ${process.arch} ${endianness()}`;

const No = z.object({ no: z.string() });
const Offer = z.union([z.object({ name: z.string().regex(NAME), platform: z.string() }), No]);
/** By rank, what the sender read in that rank's file. */
const Seen = z.array(z.union([z.string(), No]));

/** The files of all ranks, open, by rank; only the own one is written. They have no names any more. */
export interface ShmFiles {
  readonly files: readonly number[];
  close(): void;
}

/**
 * Makes a file of this rank in /dev/shm, opens those of the others, and makes sure that all ranks read the same nonce in each: then they
 * are on one host. All ranks come to the same verdict; if it is no, `no` says why, and nothing is left behind.
 * @param held the path of the own file for as long as it has a name, for who must end the process meanwhile
 */
export async function openShmFiles(
  mesh: Mesh,
  layout: ShmLayout,
  held: Set<string>,
  folder = FOLDER,
): Promise<ShmFiles | { readonly no: string }> {
  const { rank, worldSize } = mesh;
  const path = `${folder}/shardfeed-${randomBytes(16).toString('hex')}`;
  const nonce = randomBytes(NONCE_BYTES);
  const files: number[] = [];
  const names = new Set([path]);
  const attempt = <T>(make: () => T): T | z.infer<typeof No> => {
    try {
      return make();
    } catch (error) {
      return { no: `rank ${rank}: ${(error as Error).message}` };
    }
  };
  const close = (): void => {
    for (const file of files.splice(0)) if (file !== undefined) closeSync(file);
  };
  /** Of a rank that has died the others remove the file. */
  const unlink = (): void => {
    for (const name of names) rmSync(name, { force: true });
    held.delete(path);
  };
  try {
    const mine = attempt(() => {
      removeStale(folder);
      held.add(path);
      files[rank] = create(path, layout, nonce);
      return { name: basename(path), platform: PLATFORM };
    });
    const offers = await allTell(mesh, mine, Offer);
    for (const offer of offers) if ('name' in offer) names.add(join(folder, offer.name));
    const seen = offers.map((offer, r) => {
      if ('no' in offer) return offer;
      return attempt(() => {
        if (offer.platform !== PLATFORM) throw new Error(`it is on ${PLATFORM}, rank ${r} on ${offer.platform}`);
        if (r !== rank) {
          const other = openOther(join(folder, offer.name), layout);
          if (other === undefined) return '';
          files[r] = other;
        }
        const bytes = Buffer.alloc(NONCE_BYTES);
        readSync(files[r]!, bytes, 0, NONCE_BYTES, layout.nonce);
        return bytes.toString('hex');
      });
    });
    const seenByAll = await allTell(mesh, seen, Seen);
    const no = verdict(seenByAll, worldSize);
    if (no === undefined) return { files, close };
    close();
    return { no };
  } catch (error) {
    close();
    throw error;
  } finally {
    // Whoever has told what it saw has opened the files.
    unlink();
  }
}

/** The first reason against, in the order of ranks: the same on all of them. */
function verdict(seenByAll: readonly z.infer<typeof Seen>[], worldSize: number): string | undefined {
  for (const [reader, seen] of seenByAll.entries()) {
    for (let owner = 0; owner < worldSize; owner++) {
      const read = seen[owner];
      if (typeof read === 'object') return read.no;
      if (read !== seenByAll[owner]![owner]) return `ranks ${owner} and ${reader} ${OTHER_HOST}`;
    }
  }
  return undefined;
}

function removeStale(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (!NAME.test(name)) continue;
    const stat = statSync(join(folder, name), { throwIfNoEntry: false });
    if (stat === undefined || stat.uid !== process.getuid?.() || Date.now() - stat.mtimeMs < STALE_MS) continue;
    rmSync(join(folder, name), { force: true });
  }
}

/** Every page is written, so that a lack of space shows now, not in the middle of an operation. */
function create(path: string, layout: ShmLayout, nonce: Uint8Array): number {
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    const zeros = Buffer.alloc(layout.fileBytes);
    zeros.set(nonce, layout.nonce);
    for (let at = 0; at < zeros.length; ) at += writeSync(file, zeros, at, zeros.length - at, at);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Undefined where there is no such file: on another host. */
function openOther(path: string, layout: ShmLayout): number | undefined {
  if (!existsSync(path)) return undefined;
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const { size } = fstatSync(file);
  if (size === layout.fileBytes) return file;
  closeSync(file);
  throw new Error(`${path} has ${size} bytes, not ${layout.fileBytes}`);
}
