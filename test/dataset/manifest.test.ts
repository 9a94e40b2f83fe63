import { expect, test } from 'vitest';
import {
  decodeManifest,
  encodeManifest,
  MANIFEST,
  type Manifest,
  makeManifest,
  readManifest,
} from '../../src/dataset/manifest.js';
import { PartDigest } from '../../src/dataset/part-digest.js';
import { type ErrorCode, ShardfeedError } from '../../src/errors.js';
import { memoryFileSystem } from '../../src/files/index.js';

const digest = new PartDigest().digest();
const part = (path: string, records: number): Manifest['parts'][number] => ({
  path,
  bytes: 100 * records,
  records,
  digest,
  compression: 'none',
});
const manifest = makeManifest({
  parts: [part('part-r-00001', 2), part('part-r-00000', 3)],
  schema: {
    features: [
      { name: 'id', kind: 'int64', shape: [], default: 2n ** 60n },
      { name: 'raw', kind: 'bytes', shape: [], default: new Uint8Array([0xff, 0xfe]) },
    ],
    labels: ['id'],
  },
  job: { id: 'j1', rows: 5 },
});

test('a manifest survives its JSON, whose bytes are always the same', () => {
  const json = encodeManifest(manifest);
  expect(manifest).toMatchObject({ records: 5, parts: [{ path: 'part-r-00000' }, { path: 'part-r-00001' }] });
  expect(decodeManifest(json, 'm')).toEqual(manifest);
  expect(encodeManifest(decodeManifest(json, 'm'))).toBe(json);
  const { job: _, ...rest } = manifest;
  expect(json.startsWith(encodeManifest(rest).slice(0, -3))).toBe(true);
});

function refused(json: string, code: ErrorCode = 'SHARDFEED_MANIFEST'): string {
  try {
    decodeManifest(json, 'x/_manifest.json');
  } catch (error) {
    expect(error).toBeInstanceOf(ShardfeedError);
    expect((error as ShardfeedError).code).toBe(code);
    expect((error as ShardfeedError).path).toBe('x/_manifest.json');
    return (error as ShardfeedError).message;
  }
  throw new Error(`was not refused: ${json}`);
}

test('a manifest that was changed is refused, and says why', () => {
  const json = encodeManifest(manifest);
  const change = (from: string, to: string): string => {
    expect(json).toContain(from);
    return json.replace(from, to);
  };
  const first = digest.slice(0, 8);
  expect(refused('{')).toContain('no JSON');
  expect(refused('null')).toContain('invalid');
  expect(refused(change('"parts"', '"pieces"'))).toContain('parts');
  expect(refused(change('"records": 3', '"records": 4'))).toContain('5 records');
  expect(refused(change('"records": 5', '"records": 6'))).toContain('6 records');
  expect(refused(change('"path": "part-r-00000"', '"path": "part-r-00002"'))).toContain('fingerprint');
  expect(refused(change(`"digest": "${first}`, '"digest": "00000000'))).toContain('fingerprint');
  expect(refused(change('"part-r-00000"', '"../part-r-00000"'))).toContain('relative path');
  expect(refused(change('"part-r-00000"', '"/etc/passwd"'))).toContain('relative path');
  expect(refused(change('"part-r-00000"', '"_SUCCESS"'))).toContain('relative path');
  expect(refused(change('"part-r-00000"', '"part-r-00001"'))).toContain('twice');
  expect(refused(change('"bytes": 300', '"bytes": -1'))).toContain('bytes');
  expect(refused(change('"kind": "int64"', '"kind": "int"'))).toContain('schema');
  expect(refused(change('"version": 1', '"version": 2'), 'SHARDFEED_UNSUPPORTED')).toContain('version 2');
});

test('readManifest finds the manifest of a folder, or none', async () => {
  const fs = memoryFileSystem();
  await fs.mkdir('/d');
  expect(await readManifest({ fs, path: '/d' })).toBeUndefined();
  const writer = await fs.create(`/d/${MANIFEST}`);
  await writer.write(new TextEncoder().encode(encodeManifest(manifest)));
  await writer.close();
  expect(await readManifest({ fs, path: '/d' })).toEqual(manifest);
});
