export { type ConvertResult, convert } from './convert.js';
export type {
  ColumnReport,
  CsvOptions,
  Inference,
} from './csv/index.js';
export { type InferSchemaOptions, inferSchema } from './infer-schema.js';
export type { DatasetSummary } from './job/dataset-output.js';
export type { ConvertInput, ConvertOptions, Partitioning, Progress } from './options.js';
