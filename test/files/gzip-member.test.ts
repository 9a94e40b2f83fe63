import { randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { alignGzipMember } from '../../src/files/gzip-member.js';

const PIECE = 262_144;

describe('alignGzipMember', () => {
  const content = randomBytes(1000);
  const member = gzipSync(content);

  it('lets no member end 1 to 15 bytes behind a multiple of 256 KiB, and changes no other', () => {
    for (const piece of [PIECE, 5 * PIECE, 2 ** 33]) {
      for (let behind = -40; behind <= 40; behind++) {
        const start = piece + behind - member.length;
        const aligned = alignGzipMember(member, start);
        const end = (start + aligned.length) % PIECE;
        expect(end === 0 || end >= 16, `${behind}`).toBe(true);
        if (behind < 1 || behind > 15) expect(aligned).toBe(member);
        expect(gunzipSync(aligned)).toEqual(content);
      }
    }
  });

  it('keeps neighbours readable as one stream', () => {
    const aligned = alignGzipMember(member, PIECE + 1 - member.length);
    expect(aligned.length).toBe(member.length + 15);
    expect(gunzipSync(Buffer.concat([member, aligned, member]))).toEqual(Buffer.concat([content, content, content]));
  });
});
