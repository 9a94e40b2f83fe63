import type { Schema } from '../../records/schema.js';
import { type CsvOptions, type CsvPlan, makeCsvPlan } from '../csv/index.js';
import type { ChunkResult } from './chunk-work.js';
import type { CsvFile } from './csv-files.js';
import { type CsvText, changed, type FileChunk } from './csv-text.js';
import { PlansByHeader } from './plans-by-header.js';
import type { Source, SourcedTask } from './source.js';
import type { SpareBuffers } from './spare-buffers.js';

/** CSV text on its way to records of a schema. */
export class CsvSource implements Source {
  readonly schema: Schema;
  readonly csv: readonly CsvPlan[];
  readonly totalBytes: number;
  readonly warnings: readonly string[];
  readonly spare: SpareBuffers;
  readonly #text: CsvText;
  readonly #plans: PlansByHeader<CsvPlan>;

  constructor(text: CsvText, schema: Schema, csv: CsvOptions) {
    this.schema = schema;
    this.totalBytes = text.totalBytes;
    this.spare = text.spare;
    this.#text = text;
    this.#plans = new PlansByHeader(text.files, (file) => makeCsvPlan(schema, file.names, csv, { path: file.uri }));
    this.csv = this.#plans.list;
    this.warnings = [
      ...text.files.flatMap((file) => otherDelimiter(file) ?? []),
      ...schema.features.flatMap((_, i) => this.#absence(i) ?? []),
    ];
  }

  /** Where a feature has no column. The schema allows it; more often a name is misspelt. */
  #absence(feature: number): string | undefined {
    const lack = this.#text.files.filter((file) => !this.csv[this.#plans.indexOf(file)]!.cells.includes(feature));
    if (lack.length === 0) return undefined;
    const { name, default: value } = this.schema.features[feature]!;
    const others = lack.length > 1 ? ` and ${lack.length - 1} more ${lack.length > 2 ? 'files' : 'file'}` : '';
    const what = value === undefined ? 'it is missing' : 'it has its default';
    return `${lack[0]!.uri}${others}: no column for feature ${JSON.stringify(name)}, so ${what} in all rows there`;
  }

  async *tasks(spare: SpareBuffers): AsyncGenerator<SourcedTask> {
    for await (const chunk of this.#text.chunks(spare)) yield this.#toTask(chunk);
  }

  async *again(firstRow: number): AsyncGenerator<SourcedTask> {
    for await (const chunk of this.#text.chunksFrom(firstRow)) yield this.#toTask(chunk);
  }

  #toTask({ file, bytes, rows, firstRow, firstLine, offset, length }: FileChunk): SourcedTask {
    const task = { kind: 'csv' as const, firstRow, plan: this.#plans.indexOf(file), bytes };
    const check = (result: ChunkResult): void => {
      if (result.records + result.bad.length !== rows) throw changed(file.uri);
    };
    return { task, chunk: { path: file.uri, firstLine, offset }, inputBytes: length, check };
  }
}

/** A table of one column is rare, and one whose name holds a delimiter rarer. */
function otherDelimiter({ uri, names }: CsvFile): string | undefined {
  if (names.length > 1 || !/[;\t|,]/.test(names[0] ?? '')) return undefined;
  return `${uri}: its only column is ${JSON.stringify(names[0])}: is the delimiter another one?`;
}
