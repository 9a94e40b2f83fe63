import { expect } from 'vitest';
import { encodeManifest, type Manifest, makeManifest } from '../../src/dataset/manifest.js';
import { PartDigest } from '../../src/dataset/part-digest.js';
import { encodeIndex, indexName } from '../../src/dataset/record-index.js';
import { type ErrorCode, ShardfeedError } from '../../src/errors.js';
import {
  type Codec,
  compressWriter,
  type FileSystem,
  type Files,
  gzipMemberWriter,
  joinPath,
  type Member,
  memoryFileSystem,
  openFiles,
} from '../../src/files/index.js';
import { crc32c, encodeExample, frameRecords, type Schema } from '../../src/records/index.js';

export interface PartSpec {
  readonly name: string;
  readonly payloads: readonly Uint8Array[];
  readonly codec?: Exclude<Codec, 'zstd'>;
  /** Cut a gzip member behind this many records. */
  readonly memberRecords?: number;
}

export interface DatasetSpec {
  readonly parts: readonly PartSpec[];
  readonly index?: boolean;
  readonly manifest?: boolean | Partial<Manifest>;
}

/** A file system in memory, and what opens `memory://` URIs in it. */
export function memory(): { fs: FileSystem; files: Files } {
  const fs = memoryFileSystem();
  return { fs, files: openFiles({ drivers: { memory: fs } }) };
}

export async function writeFile(fs: FileSystem, path: string, bytes: Uint8Array): Promise<void> {
  const writer = await fs.create(path, { overwrite: true });
  await writer.write(bytes);
  await writer.close();
}

export async function readFile(fs: FileSystem, path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of fs.read(path)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Writes a dataset as convert does. */
export async function writeDataset(fs: FileSystem, folder: string, spec: DatasetSpec): Promise<Manifest> {
  const parts: Manifest['parts'][number][] = [];
  for (const part of spec.parts) {
    const { codec = 'none', payloads } = part;
    const path = joinPath(folder, part.name);
    const members = await writePart(fs, path, part);
    const digest = new PartDigest();
    digest.update(Uint32Array.from(payloads.flatMap((payload) => [payload.length, crc32c(payload)])));
    const { size: bytes } = await fs.stat(path);
    const facts = { bytes, digest: digest.digest(), compression: codec };
    parts.push({ path: part.name, records: payloads.length, ...facts });
    if (spec.index !== true) continue;
    const lengths = Uint32Array.from(payloads, (payload) => payload.length);
    await writeFile(fs, joinPath(folder, indexName(part.name)), encodeIndex({ ...facts, lengths, members }));
  }
  const more = typeof spec.manifest === 'object' ? spec.manifest : {};
  const manifest = makeManifest({ ...more, parts });
  if (spec.manifest !== undefined && spec.manifest !== false) {
    await writeFile(fs, joinPath(folder, '_manifest.json'), new TextEncoder().encode(encodeManifest(manifest)));
    await writeFile(fs, joinPath(folder, '_SUCCESS'), new Uint8Array(0));
  }
  return manifest;
}

async function writePart(fs: FileSystem, path: string, part: PartSpec): Promise<readonly Member[]> {
  const { codec = 'none', memberRecords, payloads } = part;
  const file = await fs.create(path);
  if (memberRecords === undefined) {
    const writer = compressWriter(file, codec);
    await writer.write(frameRecords(payloads));
    await writer.close();
    return [];
  }
  const writer = gzipMemberWriter(file);
  for (let i = 0; i < payloads.length; i += memberRecords) {
    await writer.write(frameRecords(payloads.slice(i, i + memberRecords)));
    await writer.cutMember();
  }
  await writer.close();
  return writer.members;
}

export const exampleSchema: Schema = {
  features: [
    { name: 'id', kind: 'int64', shape: [] },
    { name: 'word', kind: 'bytes', shape: [] },
  ],
};

/** Examples numbered [from, to) of different lengths. */
export function examples(from: number, to: number): Uint8Array[] {
  return Array.from({ length: to - from }, (_, i) =>
    encodeExample({ id: from + i, word: 'w'.repeat((from + i) % 7) }, exampleSchema),
  );
}

/** Where each record of an uncompressed file begins, and where the file ends. */
export function startsOf(payloads: readonly Uint8Array[]): number[] {
  const starts = [0];
  for (const { length } of payloads) starts.push(starts.at(-1)! + length + 16);
  return starts;
}

/** The ShardfeedError that a call ends in. */
export async function failure(call: Promise<unknown>, code: ErrorCode): Promise<ShardfeedError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ShardfeedError);
  expect((error as ShardfeedError).code).toBe(code);
  return error as ShardfeedError;
}
