import { type Manifest, readManifest, sampleRecords } from '../../dataset/index.js';
import { isShardfeedError } from '../../errors.js';
import { baseName, parentPath } from '../../files/index.js';
import { hasFeatureLists, inferRecordSchema } from '../../records/index.js';
import type { Schema } from '../../records/schema.js';
import type { InputFile } from './source.js';

/** What manifests beside record files, or the records themselves, say. */
export interface RecordsDescription {
  readonly schema: Schema | undefined;
  /** Exact number of records, where manifests list all the files. */
  readonly records: number | undefined;
}

/**
 * @param look whether records are looked into where no manifest has a schema: `want` leaves it open for SequenceExamples, and
 * for records that are no Examples or share no schema; `need` does not
 */
export async function describeRecords(
  files: readonly InputFile[],
  options: { schema: Schema | undefined; look: 'no' | 'want' | 'need'; signal: AbortSignal | undefined },
): Promise<RecordsDescription> {
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const manifests = new Map<string, Manifest | undefined>();
  let records: number | undefined = 0;
  for (const { fs, path, size } of files) {
    const folder = parentPath(path);
    if (!manifests.has(folder)) manifests.set(folder, await readManifest({ fs, path: folder }, signal));
    const part = manifests.get(folder)?.parts.find((p) => p.path === baseName(path) && p.bytes === size);
    records = part === undefined || records === undefined ? undefined : records + part.records;
  }
  const schema = options.schema ?? commonSchema([...manifests.values()]);
  if (schema !== undefined || options.look === 'no') return { schema, records };
  const sample = await sampleRecords(files, signal);
  try {
    if (options.look === 'want' && sample.some(hasFeatureLists)) return { schema: undefined, records };
    return { schema: inferRecordSchema(sample), records };
  } catch (error) {
    const open =
      isShardfeedError(error, 'SHARDFEED_SCHEMA_MISMATCH') || isShardfeedError(error, 'SHARDFEED_MALFORMED_EXAMPLE');
    if (options.look === 'need' || !open) throw error;
    return { schema: undefined, records };
  }
}

function commonSchema(manifests: readonly (Manifest | undefined)[]): Schema | undefined {
  const texts = new Set(manifests.map((m) => (m?.schema === undefined ? undefined : JSON.stringify(m.schema, plain))));
  return texts.size === 1 ? manifests[0]?.schema : undefined;
}

function plain(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}
