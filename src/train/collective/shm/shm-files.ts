import { randomBytes } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { endianness } from 'node:os';
import { z } from 'zod';
import { allTell } from '../all-tell.js';
import type { Mesh } from '../mesh.js';
import { NONCE_BYTES, type ShmLayout } from './layout.js';

const FOLDER = '/dev/shm';
/** Part of the reason where nothing is wrong: the job spans several hosts. */
export const OTHER_HOST = 'do not see the same /dev/shm';
const PLATFORM = `${process.platform} ${process.arch} ${endianness()}`;

const No = z.object({ no: z.string() });
const Offer = z.union([z.object({ name: z.string().regex(/^shardfeed-[0-9a-f]{32}$/), platform: z.string() }), No]);
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
): Promise<ShmFiles | { readonly no: string }> {
  const { rank, worldSize } = mesh;
  const path = `${FOLDER}/shardfeed-${randomBytes(16).toString('hex')}`;
  const nonce = randomBytes(NONCE_BYTES);
  const files: number[] = [];
  const close = (): void => {
    for (const file of files.splice(0)) if (file !== undefined) closeSync(file);
  };
  const unlink = (): void => {
    if (held.delete(path)) unlinkSync(path);
  };
  try {
    const mine = attempt(() => {
      files[rank] = create(path, layout, nonce, held);
      return { name: path.slice(FOLDER.length + 1), platform: PLATFORM };
    });
    const offers = await allTell(mesh, mine, Offer);
    const seen = offers.map((offer, r) =>
      attempt(() => {
        if ('no' in offer) throw new Error(offer.no);
        if (offer.platform !== PLATFORM)
          throw new Error(`rank ${r} is on ${offer.platform}, rank ${rank} on ${PLATFORM}`);
        if (r !== rank) {
          const other = openOther(`${FOLDER}/${offer.name}`, layout);
          if (other === undefined) return '';
          files[r] = other;
        }
        const bytes = Buffer.alloc(NONCE_BYTES);
        readSync(files[r]!, bytes, 0, NONCE_BYTES, layout.nonce);
        return bytes.toString('hex');
      }),
    );
    const seenByAll = await allTell(mesh, seen, Seen);
    // Who has told what it saw has opened the files.
    unlink();
    const no = verdict(seenByAll, worldSize);
    if (no === undefined) return { files, close };
    close();
    return { no };
  } catch (error) {
    unlink();
    close();
    throw error;
  }
}

/** The first reason against, in the order of ranks: the same on all of them. */
function verdict(seenByAll: readonly z.infer<typeof Seen>[], worldSize: number): string | undefined {
  for (const [reader, seen] of seenByAll.entries()) {
    for (let owner = 0; owner < worldSize; owner++) {
      const read = seen[owner];
      if (typeof read === 'object') return read.no;
      if (read !== seenByAll[owner]![owner]) return `ranks ${reader} and ${owner} ${OTHER_HOST}`;
    }
  }
  return undefined;
}

function attempt<T>(make: () => T): T | { no: string } {
  try {
    return make();
  } catch (error) {
    return { no: (error as Error).message };
  }
}

/** Every page is written, so that a lack of space shows now, not in the middle of an operation. */
function create(path: string, layout: ShmLayout, nonce: Uint8Array, held: Set<string>): number {
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  held.add(path);
  const zeros = Buffer.alloc(layout.fileBytes);
  zeros.set(nonce, layout.nonce);
  for (let at = 0; at < zeros.length; ) at += writeSync(file, zeros, at, zeros.length - at, at);
  return file;
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
