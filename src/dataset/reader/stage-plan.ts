import type { CallOptions } from '../../files/index.js';
import type { CatalogPart } from '../catalog.js';
import { mapLimited } from '../map-limited.js';
import type { Stage } from '../order/stage.js';
import type { PartIndexes } from '../part-indexes.js';
import { memberBefore, memberFrom } from './members.js';
import { isUnpacked, type UnpackedPart, type UnpackedParts } from './unpacked-parts.js';

/** Consecutive records of one part that are wanted. */
export interface Piece {
  /** Index of the first one among the records of the stage. */
  readonly index: number;
  /** Its ordinal in the part. */
  readonly first: number;
  readonly count: number;
  /** Where they lie in the uncompressed part: [start, end). */
  readonly start: number;
  readonly end: number;
}

/** Bytes of one part that are read at once, with the pieces in them. */
export interface Extent {
  readonly part: number;
  readonly start: number;
  readonly end: number;
  readonly pieces: readonly Piece[];
}

/** A stage and the bytes that it takes. Pure data, structured-cloneable. */
export interface StagePlan {
  readonly stage: Stage;
  /** Records of all runs. */
  readonly records: number;
  /**
   * In the order in which rows need their parts; those of a part follow each other as there, so that few files are open at a
   * time, and each once.
   */
  readonly extents: readonly Extent[];
  /** How many of the first extents each step needs. */
  readonly wanted: Uint32Array;
  /** Those of the parts that are read from local disk, as they are compressed. */
  readonly unpacked: ReadonlyMap<number, UnpackedPart>;
}

/** What tells where records lie. */
export interface PlanPlaces {
  readonly indexes: Pick<PartIndexes, 'get'>;
  readonly unpacked: Pick<UnpackedParts, 'get'>;
}

/** What is wanted is read in pieces of about this size, so that several are on their way and are verified while in a core's cache. */
export const LOCAL = { piece: 1 << 20, gap: 64 << 10 } as const;
export const REMOTE = { piece: 4 << 20, gap: 1 << 20 } as const;

/**
 * Where the records of a stage lie. Neighbouring runs are read at once where what lies between them is at most a sixteenth of the
 * second one, and 64 KiB (1 MiB of a remote file): reading that is quicker than asking twice. A small part that is wanted whole needs no index.
 */
export async function planStage(
  stage: Stage,
  parts: readonly CatalogPart[],
  { indexes, unpacked }: PlanPlaces,
  options: CallOptions = {},
): Promise<StagePlan> {
  const wanted: PartRuns[] = [];
  let records = 0;
  for (const { part, first, count } of stage.runs) {
    const run = { index: records, first, count };
    records += count;
    if (wanted.at(-1)?.part === part) wanted.at(-1)!.runs.push(run);
    else wanted.push({ part, runs: [run] });
  }
  const bytesOf = ({ part }: PartRuns): number => INDEX_BYTES * parts[part]!.records;
  const find = (runs: PartRuns) => extentsOf(runs, parts[runs.part]!, indexes, options);
  const extents = (await mapLimited(wanted, find, { ...options, bytesOf })).flat();
  const packed = wanted.filter(({ part }) => isUnpacked(parts[part]!));
  const files = await mapLimited(
    packed,
    async ({ part }) => [part, await unpacked.get(part, options)] as const,
    options,
  );
  return { stage, records, ...inOrderOfRows(stage, records, extents), unpacked: new Map(files) };
}

/** What is wanted of a part. */
interface PartRuns {
  readonly part: number;
  readonly runs: { readonly index: number; readonly first: number; readonly count: number }[];
}

/** Of a record, what its place takes in an index. */
const INDEX_BYTES = 4;

async function extentsOf(
  { part, runs }: PartRuns,
  file: CatalogPart,
  indexes: Pick<PartIndexes, 'get'>,
  options: CallOptions,
): Promise<Extent[]> {
  const limits = isRemote(file) ? REMOTE : LOCAL;
  if (runs[0]!.count === file.records && file.compression === 'none' && file.bytes <= limits.piece) {
    const whole = { ...runs[0]!, start: 0, end: file.bytes };
    return [{ part, start: 0, end: file.bytes, pieces: [whole] }];
  }
  const extents: { part: number; start: number; end: number; pieces: Piece[] }[] = [];
  const add = (piece: Piece, { start, end }: { start: number; end: number }): void => {
    const last = extents.at(-1);
    if (last !== undefined && joins(last, start, end, limits)) {
      last.end = Math.max(last.end, end);
      last.pieces.push(piece);
    } else {
      extents.push({ part, start, end, pieces: [piece] });
    }
  };
  const offsets = await indexes.get(part, options);
  const { memberTable } = offsets;
  for (const { index, first, count } of runs) {
    const end = offsets.offsetOf(first + count);
    let start = offsets.offsetOf(first);
    if (memberTable !== undefined) {
      const members = { start: memberBefore(memberTable, start).offset, end: memberFrom(memberTable, end).offset };
      add({ index, first, count, start, end }, members);
      continue;
    }
    const cuts = Math.max(1, Math.min(count, Math.round((end - start) / limits.piece)));
    for (let i = 0, from = 0; i < cuts; i++) {
      const to = Math.floor((count * (i + 1)) / cuts);
      const pieceEnd = i + 1 === cuts ? end : offsets.offsetOf(first + to);
      const piece = { index: index + from, first: first + from, count: to - from, start, end: pieceEnd };
      add(piece, piece);
      from = to;
      start = pieceEnd;
    }
  }
  return extents;
}

/** Extents, which are in the order of the runs, as the rows of the stage need them. */
function inOrderOfRows(
  stage: Stage,
  records: number,
  extents: readonly Extent[],
): Pick<StagePlan, 'extents' | 'wanted'> {
  const extentOf = new Uint32Array(records);
  extents.forEach(({ pieces }, e) => {
    const last = pieces.at(-1)!;
    extentOf.fill(e, pieces[0]!.index, last.index + last.count);
  });
  const { found, needed } = firstNeeded(stage, extentOf, extents.length);
  const turns = new Map<number, number>();
  for (const e of found) if (!turns.has(extents[e]!.part)) turns.set(extents[e]!.part, turns.size);
  const turnOf = Float64Array.from(extents, ({ part }) => turns.get(part) ?? 0);
  const order = found.sort((a, b) => turnOf[a]! - turnOf[b]! || a - b);
  const wanted = new Uint32Array(stage.steps);
  order.forEach((e, i) => {
    wanted[needed[e]!] = i + 1;
  });
  for (let step = 1; step < stage.steps; step++) wanted[step] = Math.max(wanted[step]!, wanted[step - 1]!);
  return { extents: Array.from(order, (e) => extents[e]!), wanted };
}

/** The extents that rows are in, in the order in which they need them first, and the step that does; others only lie between them. */
function firstNeeded(
  { rows, rowsPerStep, steps }: Stage,
  extentOf: Uint32Array,
  extents: number,
): { found: Uint32Array; needed: Uint32Array } {
  const needed = new Uint32Array(extents).fill(steps);
  const found = new Uint32Array(extents);
  let count = 0;
  for (let row = 0; row < rows.length && count < extents; row++) {
    const e = extentOf[rows[row]!]!;
    if (needed[e]! < steps) continue;
    needed[e] = Math.floor(row / rowsPerStep);
    found[count++] = e;
  }
  return { found: found.subarray(0, count), needed };
}

/** Whether a request to the part's file system takes a round trip to another machine. */
export function isRemote({ fs }: Pick<CatalogPart, 'fs'>): boolean {
  return fs.scheme !== 'file' && fs.scheme !== 'memory';
}

/** Bytes that are wanted for each that is read in vain between them. */
export const WANTED_PER_GAP = 16;

/** Whether a range is read with what lies before it; where little lies between, that is read too. */
function joins(before: Extent, start: number, end: number, limits: { piece: number; gap: number }): boolean {
  if (start < before.end) return true; // a member that both are in
  const gap = start - before.end;
  return gap <= Math.min(limits.gap, (end - start) / WANTED_PER_GAP) && end - before.start <= limits.piece;
}
