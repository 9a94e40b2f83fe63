import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { alignGzipMember } from '../../src/files/gzip-member.js';
import { frameRecords } from '../../src/records/index.js';
import { type ReadJob, tensorflowReads, withTempFolder } from './tensorflow.js';

const PIECE = 262_144;

/** A gzip member of exactly `size` bytes: random bytes are stored, so its size follows the record's length. */
function memberOf(size: number): Uint8Array {
  for (let length = size - 100, tries = 0; tries < 20; tries++) {
    const member = gzipSync(frameRecords([randomBytes(length)]));
    if (member.length === size) return member;
    length += size - member.length;
  }
  throw new Error(`no member of ${size} bytes`);
}

/** Members that end in a stored block, and in one with codes. */
const LAST = {
  stored: gzipSync(frameRecords([randomBytes(50_000)])),
  coded: gzipSync(frameRecords([randomBytes(50_000).map((byte) => 48 + (byte & 63))])),
};

describe('gzip members, read by TensorFlow', () => {
  it('are read to the end wherever an aligned member ends', async () => {
    await withTempFolder(async (folder) => {
      const jobs: ReadJob[] = [];
      for (const [name, last] of Object.entries(LAST)) {
        for (let behind = -20; behind <= 40; behind++) {
          const first = memberOf(PIECE + behind - last.length);
          const rest = Array.from({ length: 20 }, (_, i) => gzipSync(frameRecords([Buffer.alloc(i, i)])));
          const path = join(folder, `${name}${behind}.gz`);
          await writeFile(path, Buffer.concat([first, alignGzipMember(last, first.length), ...rest]));
          jobs.push({ paths: [path], compression: 'gzip', kind: 'count' });
        }
      }
      const counts = (await tensorflowReads(jobs)).map((result) => result.count);
      expect(counts).toEqual(jobs.map(() => 22));
    });
  });
});
