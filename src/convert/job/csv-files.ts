import type { Schema } from '../../records/schema.js';
import { type CsvOptions, checkSameColumns, readCsvHeader } from '../csv/index.js';
import type { InputFile } from './source.js';

/** A CSV file whose head is known. */
export interface CsvFile extends InputFile {
  readonly names: readonly string[];
  /** Where the first row begins: byte, and line from 1. */
  readonly dataOffset: number;
  readonly dataLine: number;
}

/**
 * Reads the heads of the files. Without a schema they must name the same columns; with one, what a file needs is told by
 * the schema, file by file.
 * @throws SHARDFEED_CSV_HEADER
 */
export async function openCsvFiles(
  files: readonly InputFile[],
  csv: CsvOptions,
  options: { schema?: Schema | undefined; signal?: AbortSignal | undefined },
): Promise<CsvFile[]> {
  const opened: CsvFile[] = [];
  for (const file of files) {
    const source = file.fs.read(file.path, { signal: options.signal });
    const context = { path: file.uri, schema: options.schema };
    const { names, bytes, lines, rest } = await readCsvHeader(source, csv, context);
    await rest.return?.();
    opened.push({ ...file, names, dataOffset: bytes, dataLine: 1 + lines });
  }
  if (options.schema === undefined) {
    const drop = new Set(csv.drop);
    const kept = (names: readonly string[]) => names.filter((name) => !drop.has(name));
    checkSameColumns(opened.map(({ uri, names }) => ({ path: uri, names: kept(names) })));
  }
  return opened;
}
