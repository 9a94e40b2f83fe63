// Speed of the CSV and encode kernels alone, on one core, without file I/O:
//   npm run build && node bench/kernels.mjs titanic.csv [criteo.csv ...] [--runs 7]
// A file's schema is inferred from its first rows: whole numbers int64, decimals float, the rest bytes.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { csvChunks, csvSpans } from '../dist/convert/csv/chunks.js';
import { makeInferencePlan } from '../dist/convert/csv/inference-plan.js';
import { CsvInferrer } from '../dist/convert/csv/inferrer.js';
import { CsvParser } from '../dist/convert/csv/parser.js';
import { makeCsvPlan } from '../dist/convert/csv/plan.js';
import { ExampleEncoder } from '../dist/records/example-encode.js';
import { Kernel } from '../dist/records/kernel/kernel.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '7' }, rows: { type: 'string', default: '1024' } },
});
const runs = Number(values.runs);
const batchRows = Number(values.rows);

function guessSchema(text) {
  const lines = text.split('\n', 2000);
  const names = lines[0].split(',');
  const kinds = names.map(() => 'int64');
  for (const line of lines.slice(1, -1)) {
    const cells = line.match(/("([^"]|"")*"|[^,]*)(,|$)/g).map((c) => c.replace(/,$/, ''));
    names.forEach((_, i) => {
      const cell = cells[i];
      if (cell === '' || kinds[i] === 'bytes') return;
      if (/^-?\d+$/.test(cell)) return;
      kinds[i] = /^-?\d+(\.\d+)?(e-?\d+)?$/.test(cell) ? 'float' : 'bytes';
    });
  }
  return { features: names.map((name, i) => ({ name, kind: kinds[i], shape: [], nullable: true })) };
}

async function best(work) {
  let result = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runs; i++) {
    const start = process.cpuUsage(); // not the clock: the core may be shared
    await work();
    const { user, system } = process.cpuUsage(start);
    result = Math.min(result, user + system);
  }
  return result / 1e6;
}

async function* pieces(bytes) {
  for (let i = 0; i < bytes.length; i += 1 << 18) yield bytes.subarray(i, i + (1 << 18));
}

for (const path of positionals) {
  const file = readFileSync(path);
  const headerEnd = file.indexOf(10) + 1;
  const data = file.subarray(headerEnd);
  const schema = guessSchema(file.subarray(0, 2 << 20).toString());
  const names = schema.features.map((f) => f.name);
  const plan = makeCsvPlan(schema, names);

  const chunks = [];
  for await (const chunk of csvChunks(pieces(data), { chunkBytes: 1 << 20 })) chunks.push(chunk);
  const rows = chunks.reduce((n, c) => n + c.rows, 0);

  const report = (what, seconds, bytes) => {
    const perRow = `${((1e9 * seconds) / rows).toFixed(0)} ns/row`;
    console.log(
      `${what.padEnd(28)} ${(rows / seconds / 1e3).toFixed(0).padStart(7)} k rows/s ${(bytes / seconds / 1e6).toFixed(0).padStart(6)} MB/s  ${perRow}`,
    );
  };
  console.log(`${path}: ${rows} rows, ${data.length} bytes`);

  report(
    'csvSpans (count)',
    await best(async () => {
      for await (const _ of csvSpans(pieces(data), { chunkBytes: 1 << 20 }));
    }),
    data.length,
  );
  report(
    'csvChunks (cut, copy)',
    await best(async () => {
      for await (const _ of csvChunks(pieces(data), { chunkBytes: 1 << 20 }));
    }),
    data.length,
  );

  const inferrer = new CsvInferrer(new Kernel(), makeInferencePlan(names));
  report(
    'infer',
    await best(() => {
      for (const { bytes, firstRow, firstLine } of chunks) inferrer.add(bytes, { firstRow, firstLine });
    }),
    data.length,
  );

  const parser = new CsvParser(new Kernel(), plan, batchRows);
  const parse = (each) => {
    for (const { bytes } of chunks) {
      parser.load(bytes);
      for (;;) {
        const { rows, bad } = parser.next();
        if (bad) throw new Error(JSON.stringify(bad));
        if (rows === 0) break;
        each(rows);
      }
    }
  };
  report('parse', await best(() => parse(() => {})), data.length);

  const encoder = new ExampleEncoder(parser.columns);
  let out = 0;
  const both = await best(() => {
    out = 0;
    parse((rows) => {
      out += encoder.encode(rows).bytes.length;
    });
  });
  report('parse + encode + CRC', both, data.length);
  console.log(`  ${out} bytes of records`);

  parser.load(chunks[0].bytes);
  const { rows: some } = parser.next();
  const times = Math.ceil(rows / some);
  const encode = await best(() => {
    for (let i = 0; i < times; i++) encoder.encode(some);
  });
  report('encode + CRC', (encode * rows) / (times * some), out);
}
