import { isShardfeedError } from '../errors.js';
import { displayPath, joinPath, type WithFiles } from '../files/index.js';
import { ReaderMemory } from '../records/index.js';
import { fingerprintOf } from './fingerprint.js';
import { mapLimited } from './map-limited.js';
import { type DatasetPart, type ResolvedDataset, resolveDataset } from './resolve.js';
import { type PartReport, type Problem, type VerifyPartOptions, verifyPart } from './verify-part.js';

/** Each has memory of its own. */
const PARTS_AT_ONCE = 4;

export interface VerifyOptions extends WithFiles, VerifyPartOptions {
  /** Told of each part, in their order. */
  onPart?: (report: PartReport) => void;
}

export interface VerifyReport {
  /** Nothing is lost and nothing contradicts manifest or index. */
  readonly ok: boolean;
  readonly records: number;
  readonly bytes: number;
  /** Records that are lost, at least. */
  readonly lost: number;
  /** Of what was read; equal to the manifest's where all is well. */
  readonly fingerprint: string;
  readonly parts: readonly PartReport[];
  /** Problems of the dataset as a whole. */
  readonly problems: readonly Problem[];
}

/**
 * Reads all records and says what is wrong: CRCs, framing, truncation, records that are no Examples, and whatever
 * contradicts manifest and index. Damage is reported, not thrown.
 * @throws SHARDFEED_NOT_FOUND, and what the file system throws
 */
export async function verifyRecords(
  source: string | readonly string[],
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const { dataset, problems } = await resolveForVerify(source, options);
  const schema = options.schema ?? dataset.manifest?.schema;
  const files = [...dataset.parts, ...dataset.extra];
  const spare: ReaderMemory[] = [];
  const done: PartReport[] = [];
  let told = 0;
  const verify = async (part: DatasetPart, i: number, signal: AbortSignal): Promise<PartReport> => {
    const memory = spare.pop() ?? new ReaderMemory();
    const report = await verifyPart(part, { ...options, schema, signal }, memory);
    spare.push(memory);
    done[i] = report;
    for (let next = done[told]; next !== undefined; next = done[++told]) options.onPart?.(next);
    return report;
  };
  const parts = await mapLimited(files, verify, {
    limit: PARTS_AT_ONCE,
    bytesOf: ({ bytes }) => bytes,
    signal: options.signal,
  });
  const losses = parts.flatMap((part) => part.losses);
  return {
    ok: problems.length === 0 && parts.every((part) => part.losses.length === 0 && part.problems.length === 0),
    records: parts.reduce((n, part) => n + part.records, 0),
    bytes: parts.reduce((n, part) => n + part.bytes, 0),
    lost: losses.reduce((n, loss) => n + loss.count, 0),
    fingerprint: fingerprintOf(parts.map(({ records, digest }, i) => ({ path: files[i]!.name, records, digest }))),
    parts,
    problems,
  };
}

async function resolveForVerify(
  source: string | readonly string[],
  options: VerifyOptions,
): Promise<{ dataset: ResolvedDataset; problems: Problem[] }> {
  const problems: Problem[] = [];
  const dataset = await resolveDataset(source, { ...options, lenient: true }).catch((error: unknown) => {
    if (!isShardfeedError(error, 'SHARDFEED_MANIFEST')) throw error;
    problems.push({ code: error.code, path: error.path ?? '', message: error.message });
    return resolveDataset(source, { ...options, manifest: false });
  });
  for (const { path, records } of dataset.absent) {
    const where = { ...dataset.folder!, path: joinPath(dataset.folder!.path, path) };
    const message = `the manifest lists this file with ${records} records, it is missing`;
    problems.push({ code: 'SHARDFEED_STALE', path: displayPath(where), message });
  }
  for (const part of dataset.extra) {
    problems.push({
      code: 'SHARDFEED_STALE',
      path: displayPath(part),
      message: 'the manifest does not list this file',
    });
  }
  return { dataset, problems };
}
