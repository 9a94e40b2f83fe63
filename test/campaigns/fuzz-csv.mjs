// Feeds mutated CSV text to the parser, the chunk scan and the inference, kernel and twin, and checks what holds for any
// bytes:
//   node test/campaigns/fuzz-csv.mjs --count 1000000 --seed 1
// Nothing crashes; kernel and twin give the same rows and the same bad rows, with all their details; the text in chunks of
// any size gives the same as in one piece; nothing takes the processor longer than a second, and one a MB; memory stays
// below what the largest input takes + 64 MB.
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { csvChunks } from '../../dist/convert/csv/chunks.js';
import { concludeInference } from '../../dist/convert/csv/inference.js';
import { makeInferencePlan } from '../../dist/convert/csv/inference-plan.js';
import { inferPlainly } from '../../dist/convert/csv/inference-twin.js';
import { CsvInferrer } from '../../dist/convert/csv/inferrer.js';
import { CsvParser } from '../../dist/convert/csv/parser.js';
import { makeCsvPlan } from '../../dist/convert/csv/plan.js';
import { parseCsvPlainly } from '../../dist/convert/csv/twin.js';
import { ExampleEncoder, Kernel, rows } from '../../dist/records/index.js';
import { randomOf } from '../random.mjs';

const { values: args } = parseArgs({
  options: { count: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } },
});
const count = Number(args.count);
const random = randomOf(Number(args.seed));
const MEMORY = 128 << 20;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

const int = (n) => Math.floor(random() * n);
const pick = (list) => list[int(list.length)];
const utf8 = new TextEncoder();

const KINDS = ['int64', 'float', 'bytes'];
const tables = Array.from({ length: 60 }, makeTable);
const tally = { rows: 0, bad: 0, bytes: 0 };
let ceiling = Number.POSITIVE_INFINITY;
let slowest = 0;
let workplaces;

for (let i = 0; i < count; i++) {
  // New kernels now and then: what they have grown to is not given back.
  if (i % 5000 === 0) workplaces = new Map();
  const table = pick(tables);
  const text = i % 2000 === 1999 ? hostileText(table) : mutate(makeText(table));
  const before = process.cpuUsage();
  try {
    await check(table, text);
  } catch (error) {
    const hex = Buffer.from(text.subarray(0, 2000)).toString('hex');
    throw new Error(`input ${i}, seed ${args.seed} (${JSON.stringify(table.options)}, ${text.length} bytes): ${hex}`, {
      cause: error,
    });
  }
  // Time of the processor, not of the clock: the machine may be busy with other things.
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  slowest = Math.max(slowest, seconds);
  assert(seconds < 1 + text.length / 1e5, `input ${i}, ${text.length} bytes, took ${seconds} s with its twins`);
  tally.bytes += text.length;
  if (i === Math.min(4000, count >> 1)) ceiling = memoryInUse() + MEMORY;
  if (i % 500 === 0 || text.length > 1e5) assert(memoryInUse() < ceiling, `memory grew to ${memoryInUse()}`);
}
console.log(`${count} inputs, seed ${args.seed}, slowest ${slowest.toFixed(3)} s: ${JSON.stringify(tally)}`);

async function check(table, text) {
  const workplace = workplaceOf(table);
  const before = process.cpuUsage();
  const whole = parseAll(workplace, text, { firstRow: 0, firstLine: 0, offset: 0 });
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  assert(seconds < 0.5 + text.length / 1e6, `${text.length} bytes took the kernel ${seconds} s`);
  tally.rows += whole.rows.length;
  tally.bad += whole.bad.length;

  const twin = { rows: [], bad: [] };
  for (const row of parseCsvPlainly(text, table.plan)) (Array.isArray(row) ? twin.rows : twin.bad).push(row);
  assert.deepStrictEqual(whole, { rows: twin.rows, bad: twin.bad });

  const { dialect, blankRows, maxRowBytes } = table.plan;
  const chunkBytes = 1 + int(pick([10, 100, text.length + 1]));
  const pieces = { rows: [], bad: [] };
  let offset = 0;
  const scan = { chunkBytes, quote: dialect.quote, blankRows, maxRowBytes, firstLine: 0 };
  for await (const chunk of csvChunks(inPieces(text), scan)) {
    // of a row above the limit the scan keeps only the beginning
    assert(maxRowBytes < 1 << 26 ? chunk.offset >= offset : chunk.offset === offset);
    offset = chunk.offset + chunk.length;
    const found = parseAll(workplace, chunk.bytes, chunk);
    assert.equal(found.rows.length + found.bad.length, chunk.rows);
    pieces.rows.push(...found.rows);
    pieces.bad.push(...found.bad);
  }
  const short = (bad) => (bad.expected.startsWith('expected a row of at most') ? { ...bad, bytes: undefined } : bad);
  assert.deepStrictEqual(
    { rows: pieces.rows, bad: pieces.bad.map(short) },
    { rows: whole.rows, bad: whole.bad.map(short) },
  );

  const place = { firstRow: 0, firstLine: 1 };
  const { bad } = workplace.inferrer.add(text, place);
  const plain = inferPlainly(text, table.inferencePlan, place);
  assert.deepStrictEqual(bad, plain.bad);
  assert.deepStrictEqual(conclusion(workplace.inferrer.take()), conclusion(plain.state));
}

function conclusion(state) {
  const { schema, rows, columns } = concludeInference(state);
  return { schema, rows, columns: columns.map(({ distinct: _, ...report }) => report) };
}

/** Rows as lists of values in schema order, and bad rows as they stand in the whole text. */
function parseAll({ parser, encoder, plan }, text, { firstRow, firstLine, offset }) {
  const found = { rows: [], bad: [] };
  parser.load(text);
  for (;;) {
    const { rows: count, bad } = parser.next();
    const encoded = encoder.encode(count);
    assert.equal(encoded.meta.length, 2 * count);
    for (const row of rows(parser.columns.toBatch(count, { int64: 'bigint' }))) {
      found.rows.push(plan.schema.features.map(({ name }) => owned(row[name])));
    }
    if (bad !== undefined) {
      found.bad.push({ ...bad, row: firstRow + bad.row, line: firstLine + bad.line, offset: offset + bad.offset });
    } else if (count === 0) return found;
  }
}

/** A copy, and one NaN: the kernel keeps the bits of every NaN, JavaScript's numbers do not. */
function owned(value) {
  if (Array.isArray(value)) return value.map(owned);
  return value instanceof Uint8Array ? Uint8Array.from(value) : value;
}

function workplaceOf(table) {
  let workplace = workplaces.get(table);
  if (workplace === undefined) {
    const parser = new CsvParser(new Kernel(), table.plan, 4);
    const encoder = new ExampleEncoder(parser.columns);
    workplace = { plan: table.plan, parser, encoder, inferrer: new CsvInferrer(new Kernel(), table.inferencePlan) };
    workplaces.set(table, workplace);
  }
  return workplace;
}

async function* inPieces(bytes) {
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + int(pick([3, 40, 100_000]));
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

function makeTable() {
  const features = Array.from({ length: 1 + int(5) }, (_, i) => {
    const kind = pick(KINDS);
    const shape = pick([[], [], [], [], [1], [2], 'ragged']);
    const extra = pick([{}, {}, { default: kind === 'bytes' ? 'dé' : 7 }]);
    return { name: `f${i}`, kind, shape, nullable: true, ...extra };
  });
  const names = features.map(({ name }) => name).reverse();
  if (random() < 0.3) names.splice(int(names.length), 0, 'dropped');
  if (random() < 0.3 && names.length > 1) names.pop();
  const options = {
    delimiter: pick([',', ',', ',', ';', '\t', '|']),
    quote: pick(['"', '"', '"', "'", null]),
    nulls: pick([[''], [''], ['', 'NA', '\\N'], [], ['7', '0.5']]),
    quotedNulls: random() < 0.2,
    separator: pick([' ', '/', '--']),
    maxRowBytes: pick([1 << 26, 1 << 26, 30, 100]),
  };
  const plan = makeCsvPlan({ features }, names, options);
  return { options, plan, inferencePlan: makeInferencePlan(names, options) };
}

function makeText({ options, plan }) {
  const { quote, separator } = options;
  const cell = (name) => {
    const feature = plan.schema.features.find((f) => f.name === name);
    const value = random() < 0.05 ? String(makeCell(pick(KINDS))) : makeList(feature, separator);
    const must = quote !== null && [options.delimiter, quote, '\n', '\r'].some((special) => value.includes(special));
    return must || (quote !== null && random() < 0.1) ? quote + value.replaceAll(quote, quote + quote) + quote : value;
  };
  const end = pick(['\n', '\n', '\r\n']);
  const lines = Array.from({ length: 1 + int(8) }, () => plan.names.map(cell).join(options.delimiter) + end);
  const text = lines.join(pick(['', '', '', '\n']));
  return utf8.encode(random() < 0.3 ? text.slice(0, -1) : text);
}

function makeList(feature, separator) {
  if (feature === undefined || feature.shape.length === 0) return String(makeCell(feature?.kind ?? 'bytes'));
  const length = feature.shape === 'ragged' ? int(5) : feature.shape[0];
  return Array.from({ length }, () => makeCell(feature.kind)).join(separator);
}

function makeCell(kind) {
  if (random() < 0.1) return pick(['', '', ' ', 'NA', '\\N']);
  if (kind === 'int64') {
    return pick([
      int(100),
      -int(1e9),
      ' 5 ',
      'true',
      '1e3',
      '3.0',
      '9223372036854775807',
      '-9223372036854775808',
      '-0',
    ]);
  }
  if (kind === 'float') {
    const long = `${int(1e9)}${'0123456789'.repeat(int(4))}.${int(1e9)}e${int(700) - 350}`;
    return pick([int(100), random(), -random() * 10 ** (int(60) - 30), '-inf', 'nan', '.5', '-0', '1e400', long]);
  }
  return pick(['text ', 'é', '\n', 'x,y', '"', "'", ';', '\r', '|', '\t']).repeat(pick([0, 1, 1, 2, int(8)]));
}

/** One to four changes of bytes. */
function mutate(bytes) {
  let result = Uint8Array.from(bytes);
  for (let k = int(5); k > 0; k--) {
    const at = int(result.length + 1);
    const to = at + int(Math.min(20, result.length - at + 1));
    switch (int(7)) {
      case 0:
        if (at < result.length) result[at] ^= 1 << int(8);
        break;
      case 1:
      case 2:
        if (at < result.length) result[at] = pick([34, 34, 39, 44, 10, 13, 32, 46, 45, 101, 0, 255]);
        break;
      case 3:
        result = join(result.subarray(0, at), result.subarray(to));
        break;
      case 4:
        result = join(result.subarray(0, to), result.subarray(at, to), result.subarray(to));
        break;
      case 5:
        result = join(result.subarray(0, at), [pick([34, 44, 10, 13])], result.subarray(at));
        break;
      default:
        result = result.slice(0, at);
    }
  }
  return result;
}

/** Text that is large and made to be expensive. */
function hostileText({ options }) {
  const quote = options.quote ?? '"';
  const unit = pick([
    quote,
    '\n',
    options.delimiter,
    `${quote}${quote},`,
    '1',
    `9${options.separator}`,
    '\r',
    ' ',
    `,${quote}\n`,
  ]);
  const text = utf8.encode(unit.repeat(Math.ceil(30_000 / unit.length)));
  return random() < 0.5 ? text : mutate(text);
}

function join(...pieces) {
  return new Uint8Array(Buffer.concat(pieces.map((piece) => Uint8Array.from(piece))));
}

/** Resident bytes, without the garbage that this campaign itself makes. */
function memoryInUse() {
  collectGarbage();
  return process.memoryUsage().rss;
}
