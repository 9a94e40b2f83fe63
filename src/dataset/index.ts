export { displayPath } from '../files/index.js';
export {
  type ArrowPackage,
  type ArrowRecordBatch,
  type BatchTensors,
  type Int64Cast,
  type RaggedTensors,
  type TensorMaker,
  type ToArrowOptions,
  type ToTensorsOptions,
  toArrow,
  toTensors,
} from './adapters/index.js';
export { type CollectedStatistics, type CollectOptions, collectStatistics } from './collect-statistics.js';
export { type CountOptions, countRecords, type PartCount, type RecordCount } from './count-records.js';
export type { EpochOptions } from './epoch-share.js';
export {
  type CompileFeaturesOptions,
  compileFeatures,
  type FeatureSpec,
  type FeatureTransform,
  type LabelledBatch,
  splitLabels,
} from './features/index.js';
export { type FingerprintPart, fingerprintOf } from './fingerprint.js';
export { type IndexedDataset, type IndexedPart, type IndexOptions, indexDataset, scanIndex } from './index-dataset.js';
export { type ListedEntry, listEntries } from './list-entries.js';
export type { Locality } from './locality.js';
export {
  decodeManifest,
  encodeManifest,
  MANIFEST,
  type Manifest,
  type ManifestPart,
  makeManifest,
  readManifest,
} from './manifest.js';
export {
  Dataset,
  type DatasetFile,
  type OpenDatasetOptions,
  openDataset,
} from './open-dataset.js';
export type { OrderSpec, Shuffle, Tail, WindowSizes } from './order/index.js';
export { PartDigest } from './part-digest.js';
export { readIndex } from './part-index.js';
export {
  BatchStream,
  type FilterFunction,
  type MapFunction,
  type MapModule,
  type MixOptions,
  type MixPosition,
  mix,
  type PaddedBatchOptions,
  type Padding,
  type Positioned,
  type PrefetchOptions,
  type RepeatPosition,
  type RowFilter,
  type StreamSource,
  type StreamStart,
  type TakePosition,
  type ZipPosition,
  zip,
} from './pipeline/index.js';
export {
  MOST_AMPLIFICATION,
  type OrderQuality,
  type Plan,
  type PlanOptions,
  qualityOf,
  type RankPlan,
  shuffleBuffer,
} from './plan/index.js';
export type { Position } from './position.js';
export { type ReadBatchesOptions, readBatches } from './read-batches.js';
export type { BatchesOptions } from './read-epoch.js';
export {
  type PartToRead,
  type ReadRecordsOptions,
  readFileBlocks,
  readPartBlocks,
  readRecords,
  resolveForReading,
} from './read-records.js';
export { readWhole } from './read-whole.js';
export type { UnpackOptions } from './reader/index.js';
export {
  decodeIndex,
  encodeIndex,
  type IndexHeader,
  type IndexInput,
  indexName,
  type LengthsPiece,
  RecordIndex,
  tfrecord2idx,
} from './record-index.js';
export { type RepairOptions, type RepairReport, repairFile } from './repair-file.js';
export { type DatasetPart, type ResolvedDataset, type ResolveOptions, resolveDataset } from './resolve.js';
export { sampleRecords, sampleSchema } from './sample-records.js';
export {
  type FeatureStatistics,
  mergeStatistics,
  type PartialStatistics,
  StatisticsCollector,
  type StatisticsJson,
  type TopValue,
  toStatisticsJson,
} from './statistics.js';
export type { PartReport, Problem } from './verify-part.js';
export { type VerifyOptions, type VerifyReport, verifyRecords } from './verify-records.js';
export { type WriteRecordsOptions, type WrittenRecords, writeRecords, writeWhole } from './write-records.js';
