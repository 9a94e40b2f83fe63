import { type Manifest, readManifest, sampleSchema } from '../../dataset/index.js';
import { baseName, parentPath } from '../../files/index.js';
import type { Schema } from '../../records/schema.js';
import type { InputFile } from './source.js';

/** What manifests beside record files, or the records themselves, say. */
export interface RecordsDescription {
  readonly schema: Schema | undefined;
  /** Exact number of records, where manifests list all the files. */
  readonly records: number | undefined;
}

/**
 * @param look whether a schema is wanted so much that records are to be looked into where no manifest has one
 */
export async function describeRecords(
  files: readonly InputFile[],
  options: { schema: Schema | undefined; look: boolean; signal: AbortSignal | undefined },
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
  if (schema !== undefined || !options.look) return { schema, records };
  return { schema: await sampleSchema(files, signal), records };
}

function commonSchema(manifests: readonly (Manifest | undefined)[]): Schema | undefined {
  const texts = new Set(manifests.map((m) => (m?.schema === undefined ? undefined : JSON.stringify(m.schema, plain))));
  return texts.size === 1 ? manifests[0]?.schema : undefined;
}

function plain(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}
