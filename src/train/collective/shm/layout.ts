import { EXCHANGE_BYTES } from '../transport.js';

const PAGE = 4096;
/** Chunks that a box holds: what is written ahead of the reader. */
export const SLOTS = 4;
/** What all files of a group may take in /dev/shm, of which a container often has 64 MB for everything. */
const BOXES_BYTES = 8 << 20;

/**
 * Where things lie in a rank's file. Only that rank writes to it: a nonce, flags, two places for what it gives to exchanges in turn, and a
 * box of SLOTS slots for each rank; the one for itself is what it tells to all.
 */
export interface ShmLayout {
  readonly nonce: number;
  /** One byte each, see the constants below. */
  readonly flags: number;
  readonly flagCount: number;
  exchange(sequence: number): number;
  slot(box: number, sequence: number): number;
  readonly slotBytes: number;
  readonly fileBytes: number;
}

export const NONCE_BYTES = 32;

/** Which byte of a rank's flags counts what, modulo 256: the others are never more than SLOTS away from what is waited for. */
export const flagsOf = (worldSize: number) => ({
  exchanged: 0,
  /** Chunks written to the box. */
  sent: (box: number) => 1 + box,
  /** Chunks read from the source's box for this rank. */
  taken: (source: number) => 1 + worldSize + source,
  /** Chunks read from what the source told to all. */
  heard: (source: number) => 1 + 2 * worldSize + source,
});

export function shmLayout(worldSize: number): ShmLayout {
  const share = BOXES_BYTES / (worldSize * worldSize * SLOTS);
  const slotBytes = Math.min(256 << 10, Math.max(PAGE, 2 ** Math.floor(Math.log2(share))));
  const flagCount = 1 + 3 * worldSize;
  const exchanges = Math.ceil((64 + flagCount) / PAGE) * PAGE;
  const place = Math.ceil((4 + EXCHANGE_BYTES) / PAGE) * PAGE;
  const boxes = exchanges + 2 * place;
  return {
    nonce: 0,
    flags: 64,
    flagCount,
    exchange: (sequence) => exchanges + (sequence & 1) * place,
    slot: (box, sequence) => boxes + (box * SLOTS + (sequence % SLOTS)) * slotBytes,
    slotBytes,
    fileBytes: boxes + worldSize * SLOTS * slotBytes,
  };
}
