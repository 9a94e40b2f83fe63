import { join } from 'node:path';
import type { CatalogPart } from '../../../src/dataset/catalog.js';
import type { Stage } from '../../../src/dataset/order/index.js';
import type { PartOffsets } from '../../../src/dataset/part-offsets.js';
import { zeroCounters } from '../../../src/dataset/read-counters.js';
import { type ReadStagesOptions, readStages, UnpackedParts } from '../../../src/dataset/reader/index.js';
import type { PlanPlaces } from '../../../src/dataset/reader/stage-plan.js';
import { RecordIndex } from '../../../src/dataset/record-index.js';
import { baseName, type FileSystem } from '../../../src/files/index.js';
import { type Batch, frameRecords, LossLedger, rows as rowsOf } from '../../../src/records/index.js';
import { exampleSchema, writeFile } from '../dataset-builders.js';

export interface TestParts {
  readonly parts: CatalogPart[];
  readonly places: PlanPlaces & { readonly asked: number[] };
}

/** Writes plain parts, and the places of their records; `damage` changes the bytes before they are written. */
export async function writeParts(
  fs: FileSystem,
  folder: string,
  parts: readonly (readonly Uint8Array[])[],
  damage: (bytes: Uint8Array, part: number) => Uint8Array = (bytes) => bytes,
): Promise<TestParts> {
  const written: CatalogPart[] = [];
  const indexes: PartOffsets[] = [];
  for (const [i, payloads] of parts.entries()) {
    const path = join(folder, `part-${String(i).padStart(5, '0')}`);
    await writeFile(fs, path, damage(frameRecords(payloads), i));
    const { size: bytes, mtimeMs } = await fs.stat(path);
    const facts = {
      records: payloads.length,
      digest: '',
      compression: 'none',
      splittable: true,
      countedBy: 'scan',
    } as const;
    written.push({ fs, path, name: baseName(path), bytes, mtimeMs, ...facts });
    const lengths = Uint32Array.from(payloads, ({ length }) => length);
    indexes.push(new RecordIndex({ lengths, bytes, digest: '', compression: 'none' }));
  }
  const asked: number[] = [];
  const unpacked = new UnpackedParts(written, zeroCounters());
  const get = async (part: number): Promise<PartOffsets> => {
    asked.push(part);
    return indexes[part]!;
  };
  return { parts: written, places: { asked, indexes: { get }, unpacked } };
}

/** A stage that makes batches of `rowsPerStep` of [part, record] in this order; a row of null is padding that names the first record. */
export function stageOf(
  wanted: readonly (readonly [part: number, record: number] | null)[],
  rowsPerStep = wanted.length,
  firstStep = 0,
): Stage {
  const named = wanted.map((row) => row ?? wanted.find((first) => first !== null)!);
  const keys = [...new Set(named.map(([part, record]) => part * 1e6 + record))].sort((a, b) => a - b);
  const runs: { part: number; first: number; count: number }[] = [];
  for (const key of keys) {
    const part = Math.floor(key / 1e6);
    const record = key % 1e6;
    const last = runs.at(-1);
    if (last !== undefined && last.part === part && last.first + last.count === record) last.count++;
    else runs.push({ part, first: record, count: 1 });
  }
  return {
    firstStep,
    steps: wanted.length / rowsPerStep,
    rowsPerStep,
    runs,
    rows: Uint32Array.from(named, ([part, record]) => keys.indexOf(part * 1e6 + record)),
    mask: Uint8Array.from(wanted, (row) => (row === null ? 0 : 1)),
  };
}

/** All batches of stages. */
export async function readAll(
  { parts, places }: TestParts,
  stages: Iterable<Stage>,
  options: Partial<ReadStagesOptions> = {},
): Promise<Batch[]> {
  const batches: Batch[] = [];
  const ledger = new LossLedger('error');
  let next: number | undefined;
  for await (const { batch, step } of readStages(parts, places, stages, {
    schema: exampleSchema,
    ledger,
    ...options,
  })) {
    if (next !== undefined && step !== next) throw new Error(`step ${step} instead of ${next}`);
    next = step + 1;
    batches.push(batch);
  }
  return batches;
}

/** The ids of rows that count, -1 for the others. */
export function idsOf({ columns, mask }: Batch): number[] {
  const { values } = columns.id as { values: Float64Array };
  return Array.from(mask, (counts, i) => (counts === 1 ? values[i]! : -1));
}

/** Rows as objects. */
export function objectsOf(batches: readonly Batch[]): unknown[] {
  return batches.flatMap((batch) => [...rowsOf(batch)]);
}
