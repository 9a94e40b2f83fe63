import { countRecords, resolveForReading } from '../../dataset/index.js';
import { ShardfeedError } from '../../errors.js';
import type { Files, TemporaryFiles } from '../../files/index.js';
import { LossLedger } from '../../records/index.js';
import type { Schema } from '../../records/schema.js';
import { parseSchema } from '../../records/schema-json.js';
import { inferFromRows } from '../infer-rows.js';
import { type CheckedOptions, type ConvertOptions, threadsFor, wantsStatistics } from '../options.js';
import type { BadRows } from './bad-rows.js';
import { openCsvFiles } from './csv-files.js';
import { CsvSource } from './csv-source.js';
import { CsvText } from './csv-text.js';
import { inferCsv } from './infer-csv.js';
import { lookForSchema } from './look-for-schema.js';
import { openInput } from './open-input.js';
import { type Quarantine, textOrBase64 } from './quarantine.js';
import { exactly, type RecordCount } from './record-count.js';
import { RecordSource } from './record-source.js';
import { BatchSource, batchRows } from './row-source.js';
import type { InputFile, Source } from './source.js';

/** A source that is ready to run. */
export interface OpenedSource {
  readonly source: Source;
  /** Number of records that will come out, where that can be counted beforehand or ahead: it may take a pass over the input. */
  count(): Promise<RecordCount | undefined>;
  /** Worker threads that the input is worth. */
  readonly threads: number;
}

export interface OpenSourceContext {
  readonly files: Files;
  readonly spool: TemporaryFiles;
  readonly badRows: BadRows;
  readonly quarantine: Quarantine | undefined;
}

/** Opens the input, finds its schema, and counts it where that spares a spool. */
export async function openSource(
  options: ConvertOptions,
  checked: CheckedOptions,
  context: OpenSourceContext,
): Promise<OpenedSource> {
  const { files, spool } = context;
  const { signal, csv = {} } = options;
  const given = options.spec === undefined ? undefined : parseSchema(options.spec, { outputs: checked.outputs });
  const onBadRow =
    checked.badRows === 'error' ? {} : { onBadRow: (error: ShardfeedError) => context.badRows.takeUnread(error) };
  const input = await openInput(options.input, { format: checked.format, csv, files, spool, signal, ...onBadRow });
  switch (input.kind) {
    case 'csv':
      return openCsv(input.files, given, options, checked);
    case 'tfrecord':
      return openRecords(input.uris, given, options, checked, context);
    case 'batches':
      if (given === undefined)
        throw new ShardfeedError('SHARDFEED_USAGE', 'column batches want a spec: their schema is not inferred');
      return {
        source: new BatchSource(input.batches, given),
        count: async () => (input.count === undefined ? undefined : exactly(input.count)),
        threads: 0,
      };
    case 'rows': {
      const { schema, rows } =
        given === undefined
          ? await inferFromRows(input.rows, rowsToInfer(checked) ?? input.count)
          : { schema: given, rows: input.rows };
      const batches = batchRows(rows, schema, (error, row) => context.badRows.takeRow(error, row));
      return {
        source: new BatchSource(batches, schema),
        count: async () =>
          checked.badRows === 'error' ? (input.count === undefined ? undefined : exactly(input.count)) : undefined,
        threads: 0,
      };
    }
  }
}

/** Rows that the schema is inferred from; undefined: all. */
export function rowsToInfer({ infer }: Pick<CheckedOptions, 'infer'>): number | undefined {
  return typeof infer === 'object' ? infer.rows : undefined;
}

async function openCsv(
  files: readonly InputFile[],
  given: Schema | undefined,
  { csv = {}, signal, onProgress }: ConvertOptions,
  checked: CheckedOptions,
): Promise<OpenedSource> {
  const text = new CsvText(await openCsvFiles(files, csv, { schema: given, signal }), csv, signal);
  const threads = threadsFor(checked.threads, text.totalBytes);
  const skipBad = checked.badRows !== 'error';
  const inference =
    given === undefined
      ? await inferCsv(text, { csv, detail: 'kinds', rows: rowsToInfer(checked), skipBad, threads, signal, onProgress })
      : undefined;
  const count = async (): Promise<RecordCount | undefined> => {
    if (skipBad) return undefined;
    if (text.rows === undefined && threads > 0) return text.countAhead();
    if (text.rows === undefined) {
      let bytes = 0;
      await text.scan(({ firstRow, rows, length }) => {
        bytes += length;
        onProgress?.({ phase: 'scan', rows: firstRow + rows, bytes, totalBytes: text.totalBytes });
        return true;
      });
    }
    return exactly(text.rows!);
  };
  return { source: new CsvSource(text, given ?? inference!.schema, csv), count, threads };
}

async function openRecords(
  uris: readonly string[],
  given: Schema | undefined,
  { signal, spec }: ConvertOptions,
  checked: CheckedOptions,
  { files, badRows, quarantine }: OpenSourceContext,
): Promise<OpenedSource> {
  const strict = checked.badRows === 'error';
  const keep = (bytes: Uint8Array, offset: number): Promise<void> =>
    quarantine!.add({ path: source.reading, offset, row: textOrBase64(bytes) });
  const policy = strict ? 'error' : checked.badRows === 'skip' ? 'skip' : { quarantine: keep };
  const ledger = new LossLedger(policy, (loss) => badRows.takeLoss(loss));
  const where = { files, signal };
  const { parts, manifest } = await resolveForReading(uris, ledger, where);
  const keyed = checked.partitionBy === 'hash' || checked.splitKey !== undefined || checked.key !== undefined;
  const look = keyed || checked.statistics === true ? 'need' : wantsStatistics(checked, spec) ? 'want' : 'no';
  const schema = given ?? manifest?.schema ?? (await lookForSchema(parts, look, signal));
  const source = new RecordSource(parts, schema, ledger, signal);
  const count = async () => (strict ? exactly((await countRecords(uris, where)).records) : undefined);
  return { source, count, threads: 0 };
}
