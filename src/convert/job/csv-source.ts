import type { Schema } from '../../records/schema.js';
import { type CsvOptions, type CsvPlan, makeCsvPlan } from '../csv/index.js';
import type { ChunkResult } from './chunk-work.js';
import { type CsvText, changed } from './csv-text.js';
import { PlansByHeader } from './plans-by-header.js';
import type { Source, SourcedTask } from './source.js';
import type { SpareBuffers } from './spare-buffers.js';

/** CSV text on its way to records of a schema. */
export class CsvSource implements Source {
  readonly schema: Schema;
  readonly csv: readonly CsvPlan[];
  readonly totalBytes: number;
  readonly #text: CsvText;
  readonly #plans: PlansByHeader<CsvPlan>;

  constructor(text: CsvText, schema: Schema, csv: CsvOptions) {
    this.schema = schema;
    this.totalBytes = text.totalBytes;
    this.#text = text;
    this.#plans = new PlansByHeader(text.files, (file) => makeCsvPlan(schema, file.names, csv, { path: file.uri }));
    this.csv = this.#plans.list;
  }

  async *tasks(spare: SpareBuffers): AsyncGenerator<SourcedTask> {
    for await (const { file, bytes, rows, firstRow, firstLine, offset, length } of this.#text.chunks(spare)) {
      const task = { kind: 'csv' as const, firstRow, plan: this.#plans.indexOf(file), bytes };
      const check = (result: ChunkResult): void => {
        if (result.records + result.bad.length !== rows) throw changed(file.uri);
      };
      yield { task, chunk: { path: file.uri, firstLine, offset }, inputBytes: length, check };
    }
  }
}
