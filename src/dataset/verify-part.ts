import { type ErrorCode, isShardfeedError } from '../errors.js';
import { type CallOptions, type Codec, detectFormat, displayPath, HEAD_BYTES, openSource } from '../files/index.js';
import { type Loss, type ReaderMemory, type RecordBlock, readBlocks, type Schema } from '../records/index.js';
import { openDirect } from './direct-file.js';
import { PartDigest } from './part-digest.js';
import { readIndex } from './part-index.js';
import { PayloadCheck } from './payload-check.js';
import { readWhole } from './read-whole.js';
import { indexLocation, type RecordIndex } from './record-index.js';
import type { DatasetPart } from './resolve.js';

export interface VerifyPartOptions extends CallOptions {
  /** Also check that each record is an Example or SequenceExample. Default true. */
  examples?: boolean;
  /** What the records must fit. Default: the manifest's schema, where there is one. */
  schema?: Schema;
  /** Records above this are corrupt. Default 256 MiB. */
  maxRecordBytes?: number;
}

/** Something wrong that is no loss of records. */
export interface Problem {
  readonly code: ErrorCode;
  readonly path: string;
  readonly message: string;
}

export interface PartReport {
  readonly path: string;
  /** Of the stored file. */
  readonly bytes: number;
  /** Whole records: their framing and both CRCs are good. */
  readonly records: number;
  /** See `PartDigest`; of the whole records. */
  readonly digest: string;
  readonly compression: Codec;
  /** Every record or range that is lost or no Example, in order. */
  readonly losses: readonly Loss[];
  readonly problems: readonly Problem[];
}

/** Reads one part and compares it with what the manifest and its index say. */
export async function verifyPart(
  part: DatasetPart,
  options: VerifyPartOptions,
  memory: ReaderMemory,
): Promise<PartReport> {
  const { signal, schema, maxRecordBytes, examples = true } = options;
  const path = displayPath(part);
  const { codec } = detectFormat(await readWhole(part, { signal, end: HEAD_BYTES }), part.path);
  const { index, belongs, problems } = await indexOf(part, { signal });
  const known = belongs ? index : undefined;
  const members = known?.memberTable;
  const losses: Loss[] = [];
  const seen = new Seen(index);
  const check = new PayloadCheck(schema);
  const { direct } = await openDirect(part, { signal, codec });
  const source = direct ?? openSource(part, { signal, codec, damage: 'gap', members });
  const blocks = readBlocks(source, {
    signal,
    path,
    memory,
    policy: 'skip',
    onLoss: (loss) => losses.push(loss),
    index: known,
    maxRecordBytes,
  });
  for await (const block of blocks) {
    seen.add(block);
    if (examples) check.check(block);
  }
  const report = { path, bytes: part.bytes, records: seen.records, digest: seen.digest.digest(), compression: codec };
  problems.push(...compare(part, report, { losses, seen, index, known }));
  if (check.mismatch !== undefined) problems.push(problemOf(check.mismatch, path));
  for (const range of check.malformed) losses.push({ path, reason: 'malformed-example', atLeast: false, ...range });
  losses.sort((a, b) => a.offset - b.offset);
  return { ...report, losses, problems };
}

/** Keeps account of the records that come, and whether they are those that an index lists. */
class Seen {
  readonly digest = new PartDigest();
  readonly #index: RecordIndex | undefined;
  #asListed = true;
  /** Where the records end in the uncompressed file. */
  end = 0;

  constructor(index: RecordIndex | undefined) {
    this.#index = index;
  }

  get records(): number {
    return this.digest.records;
  }
  /** Each record has the length that the index says. */
  get asListed(): boolean {
    return this.#asListed;
  }

  add(block: RecordBlock): void {
    if (block.count > 0) this.digest.updateBlock(block);
    this.end = block.firstOffset + block.bytes.length;
    if (this.#index === undefined) return;
    const { lengths } = this.#index;
    for (let i = 0; i < block.count; i++) {
      if (lengths[block.firstRecord + i] !== block.lengths[i]) this.#asListed = false;
    }
  }
}

/** The part's index, and whether it tells how the part should be. */
async function indexOf(
  part: DatasetPart,
  call: CallOptions,
): Promise<{ index: RecordIndex | undefined; belongs: boolean; problems: Problem[] }> {
  const path = displayPath(indexLocation(part));
  try {
    const index = await readIndex(part, { ...call, check: false });
    if (index === undefined || part.listed === undefined) {
      return { index, belongs: index?.storedBytes === part.bytes, problems: [] };
    }
    if (index.digest === part.listed.digest) return { index, belongs: true, problems: [] };
    const message = 'the index was made for other records than the manifest lists';
    return { index: undefined, belongs: false, problems: [{ code: 'SHARDFEED_STALE', path, message }] };
  } catch (error) {
    if (!isShardfeedError(error, 'SHARDFEED_MANIFEST') && !isShardfeedError(error, 'SHARDFEED_UNSUPPORTED'))
      throw error;
    return { index: undefined, belongs: false, problems: [problemOf(error, path)] };
  }
}

function problemOf({ code, message }: { code: ErrorCode; message: string }, path: string): Problem {
  return { code, path, message };
}

/** What contradicts the manifest or the index; losses that these know of are made exact. */
function compare(
  { listed, bytes, ...part }: DatasetPart,
  { path, records, digest, compression }: Pick<PartReport, 'path' | 'records' | 'digest' | 'compression'>,
  found: { losses: Loss[]; seen: Seen; index: RecordIndex | undefined; known: RecordIndex | undefined },
): Problem[] {
  const { losses, seen, index, known } = found;
  const stale = (message: string, where = path): Problem => ({ code: 'SHARDFEED_STALE', path: where, message });
  const problems: Problem[] = [];
  if (listed !== undefined) {
    completeLosses(losses, listed.records - records, { path, offset: seen.end, record: records });
    if (listed.bytes !== bytes) problems.push(stale(`the file has ${bytes} bytes, the manifest says ${listed.bytes}`));
    if (listed.compression !== compression) {
      problems.push(stale(`the file's compression is ${compression}, the manifest says ${listed.compression}`));
    }
    if (records > listed.records || (losses.every(({ count }) => count === 0) && digest !== listed.digest)) {
      problems.push(
        stale(`the file holds other records than the manifest lists (${records}, ${listed.records} listed)`),
      );
    }
    return problems;
  }
  if (index === undefined) return problems;
  const where = displayPath(indexLocation(part));
  if (known === undefined && losses.length === 0 && seen.asListed && records < index.count) {
    // All that is there is as the index says: the file was cut, the index is not stale.
    completeLosses(losses, index.count - records, { path, offset: seen.end, record: records });
  } else if (known === undefined || !seen.asListed || (losses.length === 0 && digest !== index.digest)) {
    problems.push(stale(`the index was made for other bytes (${index.storedBytes}, the file has ${bytes})`, where));
  }
  return problems;
}

/**
 * Makes losses add up to what is known to be missing: one of unknown size gets it, and where nothing was noticed the file
 * was cut behind a record.
 */
function completeLosses(losses: Loss[], missing: number, end: { path: string; offset: number; record: number }): void {
  if (missing <= 0) return;
  const lost = losses.reduce((n, loss) => n + loss.count, 0);
  const vague = losses.filter((loss) => loss.atLeast);
  if (lost === 0) losses.push({ ...end, end: end.offset, reason: 'truncated', count: missing, atLeast: false });
  else if (vague.length === 1 && missing >= lost) {
    const [loss] = vague;
    losses[losses.indexOf(loss!)] = { ...loss!, count: loss!.count + missing - lost, atLeast: false };
  } else if (missing > lost) {
    losses.push({ ...end, end: end.offset, reason: 'truncated', count: missing - lost, atLeast: false });
  }
}
