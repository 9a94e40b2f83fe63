export { type BadRow, badRowError } from './bad-row.js';
export { type CsvChunk, type CsvScanOptions, type CsvSpan, csvChunks, csvSpans } from './chunks.js';
export { type CsvHeader, type CsvHeaderContext, checkSameColumns, readCsvHeader } from './header.js';
export { type CheckedCsvOptions, type CsvOptions, checkCsvOptions, isPlainDialect } from './options.js';
export { CsvParser, type ParsedRows } from './parser.js';
export { type ByteDialect, byteDialect, type CsvPlan, makeCsvPlan } from './plan.js';
