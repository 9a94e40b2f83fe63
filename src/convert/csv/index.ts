export { type BadRow, badRowError } from './bad-row.js';
export { type CsvChunk, type CsvScanOptions, type CsvSpan, csvChunks, csvSpans } from './chunks.js';
export { checkSameColumns, readCsvHeader } from './header.js';
export {
  type ColumnReport,
  concludeInference,
  type Inference,
  type InferenceOptions,
  mergeInference,
} from './inference.js';
export { makeInferencePlan } from './inference-plan.js';
export { type CsvOptions, checkCsvOptions, isPlainDialect } from './options.js';
export { type CsvPlan, makeCsvPlan } from './plan.js';
export { transcodeCsv } from './transcode.js';
