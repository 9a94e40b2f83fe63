export { type ReadBatchesOptions, readBatches } from './read-batches.js';
export { type ReadRecordsOptions, readFileBlocks, readRecords } from './read-records.js';
export { type WriteRecordsOptions, type WrittenRecords, writeRecords, writeWhole } from './write-records.js';
