import { Command, Option } from 'commander';
import type { ConvertOptions, ConvertResult } from '../../convert/index.js';
import { ShardfeedError } from '../../errors.js';
import type { Files } from '../../files/index.js';
import { addCsvOptions, type CsvFlags, csvOptions } from '../csv-options.js';
import { formatBytes, formatSeconds, plural } from '../format.js';
import { withExamples } from '../help.js';
import { inputOf } from '../input.js';
import { byteSize, pairs, wholeNumber } from '../parse-options.js';
import type { Session } from '../session.js';
import { printable } from '../table.js';

/** Options that commander collects under the names that `convert` gives them. */
type Passed = Pick<
  ConvertOptions,
  | 'partitions'
  | 'targetBytes'
  | 'outputs'
  | 'format'
  | 'partitionBy'
  | 'key'
  | 'seed'
  | 'splitKey'
  | 'compression'
  | 'memberBytes'
  | 'extension'
  | 'overwrite'
  | 'threads'
  | 'statistics'
  | 'index'
  | 'badRows'
  | 'badRowBudget'
  | 'quarantine'
  | 'spoolDir'
  | 'spoolBytes'
>;

interface Options extends Passed, CsvFlags {
  to: string;
  spec?: string;
  infer?: true;
  inferRows?: number;
  split?: Record<string, string>;
  json?: true;
}

export function convertCommand({ output, files, signal, progress, warn }: Session): Command {
  const command = withExamples(new Command('convert'), [
    ['shardfeed convert titanic.csv --to data/titanic --partitions 4', 'infers the types'],
    ['shardfeed convert clicks-*.csv.gz --to data/clicks --spec spec.json --compression gzip', 'types from a spec'],
    ['zcat big.csv.gz | shardfeed convert - --to data/big --partition-by shuffle --seed 7', 'in random order'],
    ['shardfeed convert data/old --to data/new --partitions 64', 'cuts a dataset anew'],
  ])
    .description('Turn CSV files, or other TFRecords, into a dataset of TFRecord part files.')
    .argument('<input...>', 'CSV or TFRecord files, folders or patterns: paths or URIs; - is standard input')
    .requiredOption('--to <uri>', 'folder of the dataset; it appears complete or not at all')
    .option('--partitions <n>', 'number of part files, of each split (default: 1)', wholeNumber(1))
    .option('--target-bytes <size>', 'or: begin a new part at this size, such as 128MiB', byteSize)
    .option('--spec <file>', "the schema: shardfeed's JSON, or a model spec with inputs and outputs")
    .option('--no-outputs', "leave a model spec's outputs away, for unlabelled data")
    .option('--infer', 'infer the schema from all rows (the default without --spec)')
    .option('--infer-rows <n>', 'infer it from the first n rows, and hold the others to it', wholeNumber(1))
    .option('--overwrite', 'replace an existing dataset, at one stroke')
    .addOption(
      new Option('--format <format>', 'what the input is (default: told by its bytes)').choices(['csv', 'tfrecord']),
    )
    .addOption(
      new Option('--partition-by <how>', 'how rows get to parts (default: range)').choices([
        'range',
        'round-robin',
        'hash',
        'shuffle',
      ]),
    )
    .option('--key <feature>', 'whose hash decides the part, and the split')
    .option('--seed <n>', 'of shuffle and split (default: 0)', wholeNumber(Number.MIN_SAFE_INTEGER))
    .option('--split <name=share>', 'sub-datasets, such as train=0.8,test=0.2', pairs)
    .option('--split-key <feature>', 'rows with equal values of it stay in one split')
    .addOption(new Option('--compression <codec>', 'of the parts (default: none)').choices(['none', 'gzip', 'zlib']))
    .option(
      '--member-bytes <size>',
      'cut gzip into members that can be read alone (default: 1MiB; 0: do not)',
      byteSize,
    )
    .option('--extension', 'name parts part-r-00000.tfrecord')
    .addOption(
      new Option('--bad-rows <what>', 'rows that do not fit (default: error)').choices(['error', 'skip', 'quarantine']),
    )
    .option('--bad-row-budget <n>', 'end when more than n rows are bad', wholeNumber(0))
    .option('--quarantine <file>', 'JSON lines file for bad rows (default: <to>.quarantine.jsonl)')
    .option('--statistics', 'put column statistics into the manifest (default: where the schema is inferred)')
    .option('--no-statistics', 'leave them away')
    .option('--no-index', 'write no record index')
    .option(
      '--threads <n>',
      'worker threads beside the first, which works too; the result never depends on them (default: cores - 1)',
      wholeNumber(0),
    )
    .option('--spool-dir <folder>', "for temporary files (default: the system's)")
    .option('--spool-bytes <size>', 'at most this much of them (default: what the disk holds)', byteSize)
    .option('--json', 'print one JSON object: { records, bytes, badRows, schema, datasets, ... }');
  return addCsvOptions(command).action(async (args: string[], options: Options) => {
    const { convert } = await import('../../convert/index.js');
    const result = await convert({
      ...passed(options),
      input: inputOf(args, signal),
      output: options.to,
      csv: csvOptions(options),
      files,
      signal,
      onProgress: (state) => progress.update(state),
      split: options.split && shares(options.split),
      spec: options.spec === undefined ? undefined : await readSpec(options.spec, files, signal),
      infer: options.inferRows === undefined ? options.infer : { rows: options.inferRows },
    });
    progress.clear();
    for (const warning of result.warnings) warn(warning);
    if (options.json) return output.json(await jsonOf(result));
    for (const line of resultLines(result)) await output.line(line);
  });
}

function passed(options: Options): Passed {
  const { to: _, spec, infer, inferRows, split, json, ...rest } = options;
  const csv: Record<keyof CsvFlags, true> = {
    ...{
      delimiter: true,
      quote: true,
      escape: true,
      comment: true,
      encoding: true,
      recordDelimiter: true,
      header: true,
    },
    ...{ columnNames: true, null: true, quotedNulls: true, separator: true, rename: true, drop: true, trim: true },
    ...{ relaxColumnCount: true, relaxQuotes: true, maxRowBytes: true },
  };
  const badRows = rest.badRows ?? (rest.quarantine === undefined ? undefined : 'quarantine');
  return Object.fromEntries(Object.entries({ ...rest, badRows }).filter(([name]) => !Object.hasOwn(csv, name)));
}

function shares(split: Readonly<Record<string, string>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(split).map(([name, share]) => {
      if (share !== '' && Number(share) > 0) return [name, Number(share)];
      throw new ShardfeedError('SHARDFEED_USAGE', `--split ${name}=${share}: a share above 0 is wanted`);
    }),
  );
}

async function readSpec(uri: string, files: Files, signal: AbortSignal): Promise<Record<string, unknown>> {
  const { readWhole } = await import('../../dataset/index.js');
  const { parseSchema } = await import('../../records/index.js');
  const text = new TextDecoder().decode(await readWhole(files.resolve(uri), { signal }));
  try {
    const spec: unknown = JSON.parse(text);
    parseSchema(spec);
    return spec as Record<string, unknown>;
  } catch (cause) {
    const why = cause instanceof SyntaxError ? 'this is no JSON: ' : '';
    const message = `${uri}: ${why}${(cause as Error).message}`;
    throw new ShardfeedError('SHARDFEED_SCHEMA_INVALID', message, { path: uri, cause });
  }
}

async function jsonOf(result: ConvertResult): Promise<unknown> {
  const { schemaToJson } = await import('../../records/index.js');
  return result.schema === undefined ? result : { ...result, schema: schemaToJson(result.schema) };
}

function resultLines({ output, records, bytes, badRows, datasets, seconds }: ConvertResult): string[] {
  const parts = datasets.reduce((n, dataset) => n + dataset.parts.length, 0);
  const lines = datasets
    .filter(({ split }) => split !== '')
    .map(
      (dataset) => `${dataset.split}: ${plural(dataset.records, 'record')} in ${plural(dataset.parts.length, 'part')}`,
    );
  if (badRows > 0) lines.push(`${plural(badRows, 'bad row')} left out`);
  const size = `${plural(records, 'record')} in ${plural(parts, 'part')}, ${formatBytes(bytes)}`;
  return [...lines, `${printable(output)}: ${size}, in ${formatSeconds(seconds)}`];
}
