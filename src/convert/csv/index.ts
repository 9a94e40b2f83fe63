export { type BadRow, badRowError } from './bad-row.js';
export { type CsvChunk, type CsvScanOptions, type CsvSpan, csvChunks, csvSpans } from './chunks.js';
export { type CsvHeader, type CsvHeaderContext, checkSameColumns, readCsvHeader } from './header.js';
export {
  type ColumnInference,
  type ColumnReport,
  concludeInference,
  type Inference,
  type InferenceOptions,
  type InferenceState,
  mergeInference,
  type NotedCell,
} from './inference.js';
export { makeInferencePlan } from './inference-plan.js';
export { type ChunkPlace, CsvInferrer } from './inferrer.js';
export { type CheckedCsvOptions, type CsvOptions, checkCsvOptions, isPlainDialect } from './options.js';
export { CsvParser, type ParsedRows } from './parser.js';
export { type ByteDialect, byteDialect, type CsvPlan, makeCsvPlan } from './plan.js';
export { type TranscodeContext, transcodeCsv } from './transcode.js';
