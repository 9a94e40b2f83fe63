import { Command, Option } from 'commander';
import type { ColumnReport, Inference } from '../../convert/index.js';
import { ShardfeedError } from '../../errors.js';
import type { Feature, Schema, SequenceSchema } from '../../records/index.js';
import { addCsvOptions, type CsvFlags, csvOptions } from '../csv-options.js';
import { formatCount, formatNumber, plural } from '../format.js';
import { withExamples } from '../help.js';
import { inputOf } from '../input.js';
import { names, pairs, wholeNumber } from '../parse-options.js';
import { recordSchema } from '../record-schema.js';
import type { Session } from '../session.js';
import { printable, tableLines } from '../table.js';

interface Options extends CsvFlags {
  rows?: number;
  kinds?: Record<string, 'int64' | 'float' | 'bytes'>;
  labels?: string[];
  format?: 'csv' | 'tfrecord';
  to?: string;
  overwrite?: true;
  threads?: number;
  skipBad?: true;
  json?: true;
}

export function schemaCommand(session: Session): Command {
  const { output, files, signal, progress } = session;
  const command = withExamples(new Command('schema'), [
    ['shardfeed schema titanic.csv', 'types, gaps and ranges of the columns'],
    ['shardfeed schema titanic.csv --to spec.json', 'writes a spec for `convert --spec`, to be edited'],
    ['shardfeed schema foreign.tfrecord.gz', 'the features of TFRecord files'],
  ])
    .description('Infer the schema of CSV files, or show that of TFRecord files.')
    .argument('<input...>', 'CSV or TFRecord files, folders or patterns: paths or URIs; - is standard input')
    .option('--rows <n>', 'look at the first n rows only', wholeNumber(1))
    .option('--kinds <name=kind>', 'int64, float or bytes for features that are not to be inferred', pairs)
    .option('--labels <names>', 'features that are labels', names)
    .addOption(
      new Option('--format <format>', 'what the input is (default: told by its bytes)').choices(['csv', 'tfrecord']),
    )
    .option('--skip-bad', 'leave bad rows out')
    .option('--threads <n>', 'worker threads beside the first (default: cores - 1)', wholeNumber(0))
    .option('--to <file>', 'also write the schema to a file')
    .option('--overwrite', 'replace that file where it exists')
    .option('--json', 'print one JSON object: { schema, rows, columns }');
  return addCsvOptions(command).action(async (args: string[], options: Options) => {
    const input = inputOf(args, signal);
    const known = await recordSchema(input, options.format, session);
    if (known !== undefined && 'sequence' in known) return showSequence(known.sequence, options);
    if (known !== undefined) return show(known.schema, featureLines(known.schema.features), options);
    const inference = await inferCsv(input, options);
    progress.clear();
    const { schema, ...more } = inference;
    await show(schema, [...inferenceLines(inference), plural(inference.rows, 'row')], options, more);
  });

  async function show(schema: Schema, lines: readonly string[], options: Options, more: object = {}): Promise<void> {
    if (options.to !== undefined) await writeSchema(options.to, schema, options.overwrite ?? false);
    if (options.json) {
      const { schemaToJson } = await import('../../records/index.js');
      return output.json({ schema: schemaToJson(schema), ...more });
    }
    for (const line of lines) await output.line(line);
  }

  async function showSequence({ context, featureLists }: SequenceSchema, options: Options): Promise<void> {
    if (options.to !== undefined) {
      throw new ShardfeedError('SHARDFEED_USAGE', 'these are SequenceExamples: --to writes schemas of Examples only');
    }
    if (options.json) return output.json({ schema: { context, featureLists } });
    const lists = featureLists.features.map((feature) => ({ ...feature, name: `${feature.name}[]` }));
    for (const line of featureLines([...(context?.features ?? []), ...lists])) await output.line(line);
  }

  async function inferCsv(input: ReturnType<typeof inputOf>, options: Options): Promise<Inference> {
    const { inferSchema } = await import('../../convert/index.js');
    const { rows, kinds, labels, threads, skipBad } = options;
    return inferSchema(input, {
      files,
      signal,
      csv: csvOptions(options),
      onProgress: (state) => progress.update(state),
      ...{ rows, kinds, labels, threads, skipBad },
    });
  }

  async function writeSchema(to: string, schema: Schema, overwrite: boolean): Promise<void> {
    const { writeWhole } = await import('../../dataset/index.js');
    const { schemaToJson } = await import('../../records/index.js');
    const text = `${JSON.stringify(schemaToJson(schema), null, 2)}\n`;
    await writeWhole(files.resolve(to), { signal, overwrite }, (file) => file.write(new TextEncoder().encode(text)));
  }
}

function inferenceLines({ schema, columns }: Inference): string[] {
  const titles = [
    { title: 'feature' },
    { title: 'kind' },
    { title: 'missing', align: 'right' },
    { title: 'distinct', align: 'right' },
    { title: 'min', align: 'right' },
    { title: 'max', align: 'right' },
    { title: 'why' },
  ] as const;
  const labels = new Set(schema.labels);
  const files = new Set(columns.map(({ why }) => why?.cell?.path));
  files.delete(undefined);
  const rows = columns.map(({ name, kind, nulls, distinct, min, max, why }) => [
    labels.has(name) ? `${name} (label)` : name,
    kind,
    formatCount(nulls),
    distinct === undefined ? '' : `~${formatCount(Math.round(distinct))}`,
    number(min),
    number(max),
    whyText(why, files.size > 1),
  ]);
  return tableLines(titles, rows, { cellWidth: 80 });
}

function whyText(why: ColumnReport['why'], manyFiles: boolean): string {
  if (why?.cell === undefined) return why?.reason ?? '';
  const { path, line, value } = why.cell;
  return `${why.reason}: ${JSON.stringify(value)} in line ${line}${manyFiles ? ` of ${path}` : ''}`;
}

function featureLines(features: readonly Feature[]): string[] {
  const rows = features.map(({ name, kind, shape, nullable, default: value }) => [
    name,
    kind,
    shape === 'ragged' ? 'any number' : shape.length === 0 ? 'one value' : shape.join(' x '),
    nullable ? 'may be missing' : value === undefined ? '' : `default ${printable(String(value))}`,
  ]);
  return tableLines([{ title: 'feature' }, { title: 'kind' }, { title: 'values' }, { title: '' }], rows);
}

function number(value: number | bigint | undefined): string {
  return value === undefined ? '' : formatNumber(typeof value === 'bigint' ? String(value) : value);
}
