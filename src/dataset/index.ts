export { type FingerprintPart, fingerprintOf } from './fingerprint.js';
export {
  decodeManifest,
  encodeManifest,
  MANIFEST,
  type Manifest,
  type ManifestPart,
  makeManifest,
  readManifest,
} from './manifest.js';
export { PartDigest } from './part-digest.js';
export { type ReadBatchesOptions, readBatches, sampleSchema } from './read-batches.js';
export { type ReadRecordsOptions, readFileBlocks, readRecords } from './read-records.js';
export {
  decodeIndex,
  encodeIndex,
  type IndexHeader,
  type IndexInput,
  indexName,
  RecordIndex,
  tfrecord2idx,
} from './record-index.js';
export {
  type FeatureStatistics,
  mergeStatistics,
  type PartialStatistics,
  StatisticsCollector,
  type StatisticsJson,
  type TopValue,
  toStatisticsJson,
} from './statistics.js';
export { type WriteRecordsOptions, type WrittenRecords, writeRecords, writeWhole } from './write-records.js';
