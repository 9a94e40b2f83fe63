// Feeds mutated record files and Examples to the readers and decoders, kernel and twin, and checks what holds for any bytes:
//   node test/campaigns/fuzz-records.mjs --count 1000000 --seed 1
// Nothing crashes; kernel and twin give the same outcome and error code; bytes are delivered or reported, none both or
// neither; nothing takes the processor longer than a second, and one a MB; memory stays below the limit + 64 MB.
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isShardfeedError } from '../../dist/errors.js';
import {
  crc32c,
  decodeColumns,
  decodeExample,
  decodeSequenceExample,
  ExampleDecoder,
  encodeExample,
  encodeSequenceExample,
  frameRecords,
  maskCrc,
  ReaderMemory,
  readBlocks,
} from '../../dist/records/index.js';
import { randomOf } from '../random.mjs';

const { values: args } = parseArgs({
  options: { count: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } },
});
const count = Number(args.count);
const random = randomOf(Number(args.seed));
/** The limit for records, and what memory may be used beyond what is there at the start. */
const LIMIT = 16 << 20;
const MEMORY = LIMIT + (64 << 20);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

const int = (n) => Math.floor(random() * n);
const pick = (list) => list[int(list.length)];
const utf8 = new TextEncoder();

const KINDS = ['int64', 'float', 'bytes'];
const SHAPES = [[], [], [], [1], [3], 'ragged'];
const schemas = Array.from({ length: 40 }, makeSchema);
const tally = { good: 0, bytes: 0 };
let workplace;
let ceiling = Number.POSITIVE_INFINITY;
let slowest = 0;

for (let i = 0; i < count; i++) {
  // New kernels now and then: neither what they keep nor what they throw away may grow without end.
  if (i % 5000 === 0) workplace = makeWorkplace();
  const input = makeInput(i);
  const before = process.cpuUsage();
  try {
    await input.run();
  } catch (error) {
    const bytes = Buffer.from(input.bytes.subarray(0, 2000)).toString('hex');
    throw new Error(`input ${i}, seed ${args.seed} (${input.kind}, ${input.bytes.length} bytes): ${bytes}`, {
      cause: error,
    });
  }
  // Time of the processor, not of the clock: the machine may be busy with other things.
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  slowest = Math.max(slowest, seconds);
  assert(seconds < 1 + input.bytes.length / 1e6, `input ${i}, ${input.bytes.length} bytes, took ${seconds} s`);
  tally.bytes += input.bytes.length;
  if (i === Math.min(2000, count >> 1)) ceiling = memoryInUse() + MEMORY;
  if (i % 500 === 0 || input.bytes.length > 1e5) assert(memoryInUse() < ceiling, `memory grew to ${memoryInUse()}`);
}
const codes = JSON.stringify(tally);
console.log(`${count} inputs, seed ${args.seed}, slowest ${slowest.toFixed(3)} s: ${codes}`);

/** Resident bytes, without the garbage that this campaign itself makes. */
function memoryInUse() {
  collectGarbage();
  return process.memoryUsage().rss;
}

function makeInput(i) {
  if (i % 4000 === 3999) return fileInput('hostile file', hostileFile(), schemas[0]);
  const at = int(schemas.length);
  const schema = schemas[at];
  switch (int(8)) {
    case 0:
    case 1:
    case 2: {
      const payloads = Array.from({ length: 1 + int(8) }, () => makeExample(schema));
      return fileInput('file', mutate(frameRecords(payloads)), schema);
    }
    case 3: {
      const bytes = mutate(encodeSequenceExample(makeSequence()));
      return { kind: 'sequence', bytes, run: () => outcome(() => decodeSequenceExample(bytes)) };
    }
    default: {
      const bytes = mutate(makeExample(schema));
      return { kind: 'example', bytes, run: () => checkExample(bytes, at) };
    }
  }
}

/** One damaged Example between good ones: kernel and twin must agree on all of it. */
function checkExample(bytes, at) {
  const schema = schemas[at];
  const decoder = workplace.decoders[at];
  const list = [makeExample(schema), bytes, makeExample(schema)];
  const twin = outcome(() => oneNaN(decodeColumns(list, schema, { int64: 'bigint' })));
  const kernel = outcome(() => oneNaN(decodeAll(decoder, blockOf(list))));
  assert.deepStrictEqual(kernel, twin);
  outcome(() => decodeExample(bytes));
}

function fileInput(kind, bytes, schema) {
  return { kind, bytes, run: () => checkFile(bytes, schema) };
}

/** A damaged file, strictly and with losses skipped. */
async function checkFile(bytes, schema) {
  const size = Math.max(1, pick([bytes.length, 1 + int(50), 1 + int(5000)]));
  const strict = await readAll(bytes, size, 'error');
  const skipped = await readAll(bytes, size, 'skip');
  // What the strict reader delivers before it throws is what the other one begins with.
  assert.deepStrictEqual(strict.places, skipped.places.slice(0, strict.places.length));
  assert.equal(strict.code === undefined, skipped.losses.length === 0);
  assert.equal(skipped.code, undefined);
  // Records and losses tile the file.
  const parts = skipped.losses.filter((loss) => loss.count > 0).map((loss) => [loss.offset, loss.end]);
  for (let i = 0; i < skipped.places.length; i += 2) {
    parts.push([skipped.places[i] - 12, skipped.places[i] + skipped.places[i + 1] + 4]);
  }
  let end = 0;
  for (const [from, to] of parts.sort((a, b) => a[0] - b[0])) {
    assert.equal(from, end);
    end = to;
  }
  assert.equal(end, bytes.length);
  const payloads = [];
  for (let i = 0; i < Math.min(100, skipped.places.length); i += 2) {
    payloads.push(bytes.subarray(skipped.places[i], skipped.places[i] + skipped.places[i + 1]));
  }
  const twin = outcome(() => oneNaN(decodeColumns(payloads, schema, { int64: 'bigint' })));
  const decoder = new ExampleDecoder(schema, { batchSize: 64, int64: 'bigint' });
  const kernel = outcome(() => oneNaN(decodeAll(decoder, blockOf(payloads))));
  assert.deepStrictEqual(kernel, twin);
}

/** Where the payloads are that are delivered (offset and length each), what is lost, and the code of the error. */
async function readAll(bytes, size, policy) {
  const places = [];
  const losses = [];
  let code;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  try {
    const options = { policy, maxRecordBytes: LIMIT, memory: workplace.memory, onLoss: (loss) => losses.push(loss) };
    for await (const block of readBlocks(chunked(bytes, size), options)) {
      assert.equal(
        Buffer.compare(block.bytes, bytes.subarray(block.firstOffset, block.firstOffset + block.bytes.length)),
        0,
      );
      for (let i = 0; i < block.count; i++) {
        const offset = block.firstOffset + block.offsets[i];
        const length = block.lengths[i];
        assert.equal(block.crcs[i], crc32c(bytes.subarray(offset, offset + length)));
        assert.equal(maskCrc(block.crcs[i]), view.getUint32(offset + length, true));
        places.push(offset, length);
      }
    }
  } catch (error) {
    code = codeOf(error);
  }
  return { places, losses, code };
}

function decodeAll(decoder, block) {
  try {
    decoder.load(block);
    decoder.fill();
  } catch (error) {
    if (decoder.rows > 0) decoder.take();
    throw error;
  }
  return decoder.take();
}

/** The kernel keeps the bits of every NaN, JavaScript's numbers do not. */
function oneNaN(batch) {
  for (const { values } of Object.values(batch.columns)) {
    if (!(values instanceof Float32Array)) continue;
    for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) values[i] = Number.NaN;
  }
  return batch;
}

/** What a function returns, or the code with which it refuses. */
function outcome(run) {
  try {
    const result = run();
    tally.good++;
    return result;
  } catch (error) {
    return codeOf(error);
  }
}

function codeOf(error) {
  if (!isShardfeedError(error)) throw error;
  tally[error.code] = (tally[error.code] ?? 0) + 1;
  return error.code;
}

function makeWorkplace() {
  const decoders = schemas.map((schema) => new ExampleDecoder(schema, { int64: 'bigint', batchSize: 4 }));
  return { memory: new ReaderMemory(), decoders };
}

function blockOf(payloads) {
  let at = 0;
  const offsets = payloads.map((p) => {
    at += p.length + 16;
    return at - p.length - 4;
  });
  return {
    bytes: frameRecords(payloads),
    count: payloads.length,
    offsets: Uint32Array.from(offsets),
    lengths: Uint32Array.from(payloads, (p) => p.length),
    firstRecord: 0,
    firstOffset: 0,
  };
}

function makeSchema() {
  const features = Array.from({ length: 1 + int(6) }, (_, i) => {
    const kind = pick(KINDS);
    const extra = pick([{}, {}, { nullable: true }, { default: kind === 'bytes' ? 'd' : 1 }]);
    return { name: `${pick(['a', 'feature_', 'x'.repeat(40)])}${i}`, kind, shape: pick(SHAPES), ...extra };
  });
  return { features };
}

function makeValue(kind) {
  if (kind === 'float') return pick([0, 1.5, -random(), 1e30, Number.NaN]);
  if (kind === 'int64') return pick([int(100), -int(1e9), 2n ** 63n - 1n, BigInt(int(2 ** 31)) ** 2n]);
  return utf8.encode('v'.repeat(pick([0, 1, int(30), int(300)])));
}

function makeExample(schema) {
  const row = {};
  for (const { name, kind, shape, nullable } of schema.features) {
    if (nullable && random() < 0.3) continue;
    const width = shape === 'ragged' ? int(4) : shape.reduce((n, d) => n * d, 1);
    row[name] = Array.from({ length: width }, () => makeValue(kind));
  }
  return encodeExample(row, schema);
}

function makeSequence() {
  const list = () => Array.from({ length: int(4) }, () => pick([1, [1, 2], []]));
  return { context: { a: int(10), b: 'text' }, featureLists: { x: list(), y: ['p', 'q'] } };
}

/** One to four changes of bytes: what disks, networks and enemies do. */
function mutate(bytes) {
  let result = Uint8Array.from(bytes);
  for (let k = 1 + int(4); k > 0; k--) {
    const at = int(result.length + 1);
    const to = at + int(Math.min(40, result.length - at + 1));
    const some = result.subarray(at, to);
    switch (int(9)) {
      case 0:
      case 1:
        if (at < result.length) result[at] ^= 1 << int(8);
        break;
      case 2:
        if (at < result.length) result[at] = pick([0, 1, 10, 18, 26, 127, 128, 255]);
        break;
      case 3:
        some.fill(pick([0, 255]));
        break;
      case 4:
        result = join(result.subarray(0, at), result.subarray(to));
        break;
      case 5:
        result = join(result.subarray(0, to), some, result.subarray(to));
        break;
      case 6:
        result = join(
          result.subarray(0, at),
          Uint8Array.from({ length: int(12) }, () => int(256)),
          result.subarray(at),
        );
        break;
      case 7:
        result = join(
          result.subarray(0, at),
          header(pick([0, 5, result.length, LIMIT, LIMIT + 1, 2 ** 31, 2 ** 50])),
          result.subarray(at),
        );
        break;
      default:
        result = result.slice(0, at);
    }
  }
  return result;
}

/** About a MB made to be expensive. */
function hostileFile() {
  const bytes = new Uint8Array(1 << 20);
  const kind = int(4);
  const period = 30 + int(30);
  const ok = frameRecords([utf8.encode('ok')]);
  for (let at = 0; kind > 0 && at + period <= bytes.length; at += period) {
    const length = kind === 1 ? int(bytes.length) : bytes.length - at;
    if (kind === 3) bytes.set(ok, at);
    bytes.set(header(length), kind === 3 ? at + ok.length : at);
  }
  return bytes;
}

function header(length) {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(length), true);
  view.setUint32(8, maskCrc(crc32c(bytes.subarray(0, 8))), true);
  return bytes;
}

function join(...pieces) {
  return new Uint8Array(Buffer.concat(pieces));
}

async function* chunked(bytes, size) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
