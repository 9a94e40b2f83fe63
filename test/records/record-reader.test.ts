import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShardfeedError } from '../../src/errors.js';
import type { ByteSource, Gap } from '../../src/records/byte-source.js';
import { crc32c } from '../../src/records/crc32c.js';
import { Kernel } from '../../src/records/kernel/kernel.js';
import type { Loss } from '../../src/records/losses.js';
import { ReaderMemory } from '../../src/records/reader-memory.js';
import type { ReadBlocksOptions, RecordOffsets } from '../../src/records/record-block.js';
import { readBlocks } from '../../src/records/record-reader.js';
import { frameChunks, frameRecords } from '../../src/records/record-writer.js';
import { chunked, concat, frame, header, utf8 } from './builders.js';

interface Read {
  payloads: Uint8Array[];
  ordinals: number[];
  losses: Loss[];
  code?: string;
  error?: ShardfeedError;
}

async function read(source: ByteSource, options: ReadBlocksOptions = {}): Promise<Read> {
  const result: Read = { payloads: [], ordinals: [], losses: [] };
  try {
    for await (const block of readBlocks(source, { ...options, onLoss: (loss) => result.losses.push(loss) })) {
      for (let i = 0; i < block.count; i++) {
        const from = block.offsets[i]!;
        const payload = block.bytes.slice(from, from + block.lengths[i]!);
        if (block.crcs !== undefined) expect(block.crcs[i]).toBe(crc32c(payload));
        result.payloads.push(payload);
        result.ordinals.push(block.firstRecord + i);
      }
    }
  } catch (error) {
    if (!(error instanceof ShardfeedError)) throw error;
    result.code = error.code;
    result.error = error;
  }
  return result;
}

const texts = (list: Uint8Array[]): string[] => list.map((p) => new TextDecoder().decode(p));

/** Five records of different lengths, one empty. */
const FIVE = ['alpha', '', 'gamma gamma gamma', 'd', 'epsilon'].map(utf8);
const FILE = frameRecords(FIVE);
const STARTS = FIVE.map((_, i) => FIVE.slice(0, i).reduce((sum, p) => sum + p.length + 16, 0));
const INDEX: RecordOffsets = { count: 5, offsetOf: (i) => (i === 5 ? FILE.length : STARTS[i]!) };
const recordAt = (offset: number): number => STARTS.findLastIndex((start) => start <= offset);

function flip(bytes: Uint8Array, at: number, mask = 0xff): Uint8Array {
  const copy = bytes.slice();
  copy[at]! ^= mask;
  return copy;
}

describe('whole files', () => {
  test('records come back in order for every size of chunk', async () => {
    for (let size = 1; size <= FILE.length; size++) {
      const { payloads, ordinals, losses } = await read(chunked(FILE, size));
      expect(texts(payloads)).toEqual(texts(FIVE));
      expect(ordinals).toEqual([0, 1, 2, 3, 4]);
      expect(losses).toEqual([]);
    }
  });

  test('random records in random chunks and blocks come back, also ones longer than a piece', async () => {
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.nat(700_000).map((n) => Uint8Array.from({ length: n }, (_, i) => (i * 31) >> 3)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(payload, { maxLength: 8 }), fc.nat(300_000), fc.nat(5), async (list, size, records) => {
        const { payloads, code } = await read(chunked(frameRecords(list), size + 10_000), {
          blockRecords: records + 1,
        });
        expect(code).toBeUndefined();
        expect(payloads.length).toBe(list.length);
        payloads.forEach((p, i) => {
          expect(Buffer.compare(p, list[i]!)).toBe(0);
        });
      }),
      { numRuns: 30 },
    );
  });

  test('the writer cuts chunks behind records and copies what it is given', async () => {
    const borrowed = new Uint8Array(10);
    async function* payloads(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 100; i++) yield borrowed.fill(i);
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of frameChunks(payloads(), { chunkBytes: 100 })) chunks.push(chunk);
    expect(chunks.length).toBeGreaterThan(10);
    for (const chunk of chunks) expect((await read(chunked(chunk))).code).toBeUndefined();
    const { payloads: back } = await read(chunked(concat(...chunks)));
    expect(back.map((p) => p[9])).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  test('an empty file has no records', async () => {
    expect((await read(chunked(new Uint8Array(0)))).payloads).toEqual([]);
  });

  test('leaving early closes the source', async () => {
    let closed = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield FILE;
      } finally {
        closed = true;
      }
    }
    for await (const _ of readBlocks(source())) break;
    expect(closed).toBe(true);
  });

  test('an abort ends the reading', async () => {
    const { code } = await read(chunked(FILE, 10), { signal: AbortSignal.abort() });
    expect(code).toBe('SHARDFEED_ABORTED');
  });
});

describe('corruption', () => {
  test('every flipped byte is an error by default, that says where', async () => {
    for (let at = 0; at < FILE.length; at++) {
      const { error, payloads } = await read(chunked(flip(FILE, at), 7), { path: 'f' });
      const record = recordAt(at);
      expect(error).toMatchObject({ code: 'SHARDFEED_CORRUPT_RECORD', path: 'f', offset: STARTS[record], record });
      expect(texts(payloads)).toEqual(texts(FIVE.slice(0, record)));
    }
  });

  test('every flipped bit is found and loses no other record', async () => {
    for (let at = 0; at < FILE.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const { payloads, losses, code } = await read(chunked(flip(FILE, at, 1 << bit), 11), { policy: 'skip' });
        const record = recordAt(at);
        const inHeaderCrc = at - STARTS[record]! >= 8 && at - STARTS[record]! < 12;
        expect(code).toBeUndefined();
        expect(losses.length).toBe(1);
        expect(losses[0]).toMatchObject({ record, offset: STARTS[record], count: inHeaderCrc ? 0 : 1 });
        const left = inHeaderCrc ? FIVE : FIVE.filter((_, i) => i !== record);
        expect(texts(payloads)).toEqual(texts(left));
      }
    }
  });

  test('with an index losses are exact, to the byte', async () => {
    for (let at = 0; at < FILE.length; at++) {
      const { losses, ordinals } = await read(chunked(flip(FILE, at), 11), { policy: 'skip', index: INDEX });
      const record = recordAt(at);
      if (losses[0]!.count === 0) continue;
      expect(losses).toEqual([
        {
          reason: at - STARTS[record]! < 8 ? 'header-checksum' : 'payload-checksum',
          record,
          offset: STARTS[record],
          end: INDEX.offsetOf(record + 1),
          count: 1,
          atLeast: false,
        },
      ]);
      expect(ordinals).toEqual([0, 1, 2, 3, 4].filter((i) => i !== record));
    }
  });

  test('the end inside a record is truncation, at any byte', async () => {
    for (let end = 0; end < FILE.length; end++) {
      const cut = FILE.subarray(0, end);
      const whole = STARTS.includes(end);
      expect((await read(chunked(cut, 13))).code).toBe(whole ? undefined : 'SHARDFEED_TRUNCATED');
      const { payloads, losses } = await read(chunked(cut, 13), { policy: 'skip' });
      const left = STARTS.filter((s, i) => s + 16 + FIVE[i]!.length <= end).length;
      expect(payloads.length).toBe(left);
      expect(losses.map((l) => [l.reason, l.offset, l.end, l.atLeast])).toEqual(
        whole ? [] : [['truncated', STARTS[left], end, true]],
      );
    }
  });

  test('with an index truncation is found also between records, and counted', async () => {
    for (let end = 0; end < FILE.length; end++) {
      const cut = FILE.subarray(0, end);
      expect((await read(chunked(cut), { index: INDEX })).code).toBe('SHARDFEED_TRUNCATED');
      const { payloads, losses } = await read(chunked(cut), { policy: 'skip', index: INDEX });
      expect(losses.length).toBe(1);
      expect(losses[0]).toMatchObject({
        reason: 'truncated',
        count: 5 - payloads.length,
        atLeast: false,
        end: FILE.length,
      });
    }
  });

  test('quarantine gets exactly the lost bytes', async () => {
    for (let at = 0; at < FILE.length; at++) {
      const bytes = flip(FILE, at);
      const kept: Uint8Array[] = [];
      let next = -1;
      const quarantine = async (piece: Uint8Array, offset: number): Promise<void> => {
        if (next >= 0) expect(offset).toBe(next);
        next = offset + piece.length;
        kept.push(piece.slice());
      };
      const { losses } = await read(chunked(bytes, 5), { policy: { quarantine } });
      const [loss] = losses;
      const expected = loss!.count === 0 ? new Uint8Array(0) : bytes.slice(loss!.offset, loss!.end);
      expect(concat(...kept)).toEqual(expected);
    }
  });

  test('bytes missing from the middle lose only the records that they touch', async () => {
    for (let from = 0; from < FILE.length - 6; from++) {
      const cut = concat(FILE.subarray(0, from), FILE.subarray(from + 6));
      const { payloads } = await read(chunked(cut, 9), { policy: 'skip' });
      const whole = FIVE.filter((p, i) => STARTS[i]! + 16 + p.length <= from || STARTS[i]! >= from + 6);
      expect(texts(payloads)).toEqual(texts(whole));
    }
  });

  test('a budget ends it', async () => {
    const bytes = flip(flip(FILE, STARTS[2]! + 13), STARTS[4]! + 13);
    expect((await read(chunked(bytes), { policy: { skip: 2 } })).code).toBeUndefined();
    expect((await read(chunked(bytes), { policy: { skip: 1 } })).code).toBe('SHARDFEED_BUDGET');
    expect((await read(chunked(bytes), { policy: { quarantine: () => {}, budget: 0 } })).code).toBe('SHARDFEED_BUDGET');
    expect((await read(chunked(bytes), { policy: { skip: -1 } })).code).toBe('SHARDFEED_USAGE');
  });

  test('records in bytes that were searched before keep their CRCs, wherever the searched bytes end', async () => {
    const whole = frameRecords([utf8('one'), utf8('second'), utf8('third one')]);
    const records = [0, 19, 41, whole.length];
    for (let claimed = 1; claimed <= whole.length + 20; claimed++) {
      // Where a record, or the end, stands behind what the first header claims, it is believed.
      if (records.includes(claimed)) continue;
      const bytes = concat(header(claimed), utf8('abcd'), whole);
      const { payloads, code } = await read(chunked(bytes), { policy: 'skip' });
      expect(code).toBeUndefined();
      expect(texts(payloads)).toEqual(['one', 'second', 'third one']);
    }
  });

  test('a good header inside a payload is no record', async () => {
    // The payload holds a header that claims what follows, and a whole record that another header does not follow.
    const nested = concat(header(4), utf8('abcdefgh'), frame(utf8('inner')), utf8('no header'));
    const bytes = frameRecords([utf8('first'), nested, utf8('last')]);
    const { payloads, losses } = await read(chunked(flip(bytes, 21), 10), { policy: 'skip' });
    expect(texts(payloads)).toEqual(['first', 'last']);
    expect(losses.length).toBe(1);
  });
});

describe('hostile lengths', () => {
  test('a length above the limit is an error before anything is read for it', async () => {
    for (const length of [1001, 2 ** 31, 2 ** 33, 2 ** 53]) {
      const bytes = concat(frame(utf8('ok')), header(length), utf8('some bytes'));
      const { payloads, code } = await read(chunked(bytes), { maxRecordBytes: 1000 });
      expect(texts(payloads)).toEqual(['ok']);
      expect(code).toBe('SHARDFEED_TOO_LARGE');
    }
  });

  test('under skip the records behind it are found', async () => {
    const bytes = concat(frame(utf8('ok')), header(2 ** 40), FILE);
    const { payloads, losses } = await read(chunked(bytes), { policy: 'skip' });
    expect(texts(payloads)).toEqual(['ok', ...texts(FIVE)]);
    expect(losses).toMatchObject([{ reason: 'too-large', offset: 18, end: 30, count: 1, atLeast: true }]);
  });

  test('a declared length within the limit allocates only what is there', async () => {
    const bytes = concat(header(255 << 20), utf8('a few bytes'));
    const before = process.memoryUsage().rss;
    expect((await read(chunked(bytes))).code).toBe('SHARDFEED_TRUNCATED');
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
  });

  test('headers that all claim the rest of the file cost no more than a look each', async () => {
    // Every record is followed by a header that claims the rest: checked one by one this would be quadratic.
    const size = 1 << 20;
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < size; at += 30) pieces.push(frame(utf8('ok')), header(size - at - 46));
    const bytes = concat(...pieces);
    const kernel = new Kernel();
    const { crc32c: one, walkRecords: many, ...others } = kernel.exports;
    let looked = 0;
    const counting = {
      ...others,
      crc32c: (p: number, n: number, seed: number) => {
        looked += n;
        return one!(p, n, seed);
      },
      walkRecords: (p: number, end: number, ...rest: number[]) => {
        looked += end - p;
        return many!(p, end, ...rest);
      },
    };
    Object.defineProperty(kernel, 'exports', { value: counting });
    const { payloads } = await read(chunked(bytes), { policy: 'skip', memory: new ReaderMemory(kernel) });
    expect(payloads.length).toBe(pieces.length / 2);
    // A look at one record is two times up to 512 bytes, in 46.
    expect(looked).toBeGreaterThan(bytes.length);
    expect(looked).toBeLessThan(100 * bytes.length);
  });
});

describe('gaps', () => {
  const gap = (atRecord: boolean, lostBytes?: number): Gap => ({
    reason: 'a damaged member',
    storedStart: 10,
    storedEnd: 20,
    atRecord,
    lostBytes,
  });
  async function* withGap(before: Uint8Array, hole: Gap, after: Uint8Array): AsyncGenerator<Uint8Array | Gap> {
    yield before;
    yield hole;
    if (after.length > 0) yield after;
  }

  test('a gap is an error by default', async () => {
    const { code, payloads } = await read(withGap(FILE.subarray(0, STARTS[2]), gap(true), FILE.subarray(STARTS[4])));
    expect(code).toBe('SHARDFEED_CORRUPT_STREAM');
    expect(payloads.length).toBe(2);
  });

  test('what follows a gap is read on, at a record or not', async () => {
    for (let from = 0; from <= FILE.length; from++) {
      for (const to of [STARTS[3]! - 3, STARTS[3]!, STARTS[3]! + 1, FILE.length]) {
        if (to < from) continue;
        const source = withGap(FILE.subarray(0, from), gap(STARTS.includes(to)), FILE.subarray(to));
        const { payloads, losses } = await read(source, { policy: 'skip' });
        const whole = FIVE.filter((p, i) => STARTS[i]! + 16 + p.length <= from || STARTS[i]! >= to);
        expect(texts(payloads)).toEqual(texts(whole));
        expect(losses.length).toBe(1);
        expect(losses[0]).toMatchObject({ reason: 'damaged-stream', atLeast: true });
      }
    }
  });

  test('with an index and a gap of known size the loss is exact', async () => {
    for (let from = 0; from < FILE.length; from++) {
      for (let to = from + 1; to <= FILE.length; to += 5) {
        const source = withGap(FILE.subarray(0, from), gap(false, to - from), FILE.subarray(to));
        const { payloads, losses, ordinals } = await read(source, { policy: 'skip', index: INDEX });
        const kept = FIVE.map((_, i) => i).filter((i) => STARTS[i]! + 16 + FIVE[i]!.length <= from || STARTS[i]! >= to);
        expect(ordinals).toEqual(kept);
        expect(payloads.length).toBe(kept.length);
        expect(losses.length).toBe(1);
        expect(losses[0]).toMatchObject({ count: 5 - kept.length, atLeast: false });
      }
    }
  });
});
