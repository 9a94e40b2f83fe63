import { z } from 'zod';
import { isShardfeedError, ShardfeedError } from '../errors.js';
import { type CallOptions, type Codec, compareBytes, isHidden, joinPath, type Location } from '../files/index.js';
import type { Schema } from '../records/schema.js';
import { parseSchema, schemaToJson } from '../records/schema-json.js';
import { fingerprintOf } from './fingerprint.js';
import { readWhole } from './read-whole.js';
import type { StatisticsJson } from './statistics-json.js';

/** The manifest's name in its dataset's folder. */
export const MANIFEST = '_manifest.json';
const VERSION = 1;
const MAX_BYTES = 256 << 20;

export interface ManifestPart {
  /** Relative to the dataset's folder, `/`-separated. */
  readonly path: string;
  /** Of the stored file. */
  readonly bytes: number;
  readonly records: number;
  /** See `PartDigest`. */
  readonly digest: string;
  readonly compression: Codec;
}

/** What a dataset says of itself. Without `job` it is the same for the same records, parts and schema. */
export interface Manifest {
  readonly records: number;
  /** In the order of the UTF-8 bytes of their paths. */
  readonly parts: readonly ManifestPart[];
  readonly fingerprint: string;
  /** What the records hold; absent where nobody looked into them. */
  readonly schema?: Schema;
  readonly statistics?: StatisticsJson;
  /** How the dataset was made: any JSON. */
  readonly job?: Readonly<Record<string, unknown>>;
}

const count = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hexadecimal is wanted');
const path = z
  .string()
  .refine(
    (p) => p.split('/').every((name) => name !== '' && !isHidden(name)) && !p.includes('\0'),
    'a relative path is wanted, with no name that is empty or begins with _ or .',
  );
const partJson = z.object({
  path,
  bytes: count,
  records: count,
  digest: sha256,
  compression: z.enum(['none', 'gzip', 'zlib', 'zstd']),
});
const manifestJson = z.object({
  format: z.literal('shardfeed-dataset'),
  version: z.int(),
  records: count,
  fingerprint: sha256,
  parts: z.array(partJson),
  schema: z.unknown().optional(),
  statistics: z.object({ records: count, features: z.array(z.looseObject({ name: z.string() })) }).optional(),
  job: z.record(z.string(), z.unknown()).optional(),
});

/** Puts a manifest together: sorts the parts, counts and takes the fingerprint. */
export function makeManifest({ parts, ...rest }: Omit<Manifest, 'records' | 'fingerprint'>): Manifest {
  const sorted = [...parts].sort((a, b) => compareBytes(a.path, b.path));
  return {
    records: sorted.reduce((n, part) => n + part.records, 0),
    fingerprint: fingerprintOf(sorted),
    parts: sorted,
    ...rest,
  };
}

/** A manifest as JSON text: the same manifest gives the same bytes. */
export function encodeManifest({ records, fingerprint, parts, schema, statistics, job }: Manifest): string {
  const json = {
    format: 'shardfeed-dataset',
    version: VERSION,
    records,
    fingerprint,
    parts: parts.map((p) => ({
      path: p.path,
      bytes: p.bytes,
      records: p.records,
      digest: p.digest,
      compression: p.compression,
    })),
    schema: schema && schemaToJson(schema),
    statistics,
    job,
  };
  return `${JSON.stringify(json, null, 1)}\n`;
}

/**
 * Reads a manifest's text and checks that it agrees with itself. `file` names it in errors.
 * @throws SHARDFEED_MANIFEST; SHARDFEED_UNSUPPORTED for a version that this release does not know
 */
export function decodeManifest(text: string, file: string): Manifest {
  const fail = (what: string, cause?: unknown): ShardfeedError =>
    new ShardfeedError('SHARDFEED_MANIFEST', `${file}: ${what}`, { path: file, cause });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw fail('the manifest is no JSON', cause);
  }
  const result = manifestJson.safeParse(json);
  const version = (json as { version?: unknown } | null)?.version;
  if (typeof version === 'number' && version > VERSION) {
    throw new ShardfeedError(
      'SHARDFEED_UNSUPPORTED',
      `${file} has version ${version}, this release reads version ${VERSION}: update shardfeed`,
      { path: file },
    );
  }
  if (!result.success) throw fail(`the manifest is invalid: ${z.prettifyError(result.error)}`);
  const { records, fingerprint, parts, schema, statistics, job } = result.data;
  const made = makeManifest({ parts });
  if (new Set(parts.map((part) => part.path)).size < parts.length) throw fail('the manifest lists a part twice');
  if (made.records !== records) throw fail(`the manifest says ${records} records, its parts have ${made.records}`);
  if (made.fingerprint !== fingerprint)
    throw fail('the fingerprint is not that of the parts: the manifest was changed');
  return {
    ...made,
    schema: schema === undefined ? undefined : readSchema(schema, fail),
    // Statistics are shown, never computed with: their shape is checked, their details are not.
    statistics: statistics as unknown as StatisticsJson | undefined,
    job,
  };
}

function readSchema(json: unknown, fail: (what: string, cause?: unknown) => ShardfeedError): Schema {
  try {
    return parseSchema(json);
  } catch (cause) {
    throw fail(`the manifest's schema is invalid: ${(cause as Error).message}`, cause);
  }
}

/** The manifest of the dataset in a folder; undefined where there is none. @throws SHARDFEED_MANIFEST, UNSUPPORTED */
export async function readManifest(folder: Location, options: CallOptions = {}): Promise<Manifest | undefined> {
  const { fs } = folder;
  const file = joinPath(folder.path, MANIFEST);
  try {
    const bytes = await readWhole({ fs, path: file }, { ...options, limit: MAX_BYTES });
    return decodeManifest(new TextDecoder().decode(bytes), file);
  } catch (error) {
    if (isShardfeedError(error, 'SHARDFEED_NOT_FOUND')) return undefined;
    throw error;
  }
}
