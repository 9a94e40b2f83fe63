export type { Batch, BytesColumn, Column, ColumnOf, FixedColumn, Numbers, Projected, RaggedColumn } from './batch.js';
export { copyArray, copyBatch, isValid } from './batch.js';
export { type ByteSource, type DirectSource, type Gap, isGap } from './byte-source.js';
export { crc32c, maskCrc, maskedCrc32c, unmaskCrc } from './crc32c.js';
export { encodeExample } from './encode-example.js';
export { decodeColumns } from './example-columns.js';
export { ExampleDecoder, type ExampleDecoderOptions, project, type RecordPlace } from './example-decoder.js';
export { type EncodedRecords, ExampleEncoder } from './example-encode.js';
export { type DecodedValue, decodeExample } from './example-object.js';
export { inferRecordSchema } from './example-schema.js';
export { FRAME_BYTES, HEADER_BYTES, Walk } from './framing.js';
export { type Int64As, KernelColumns, type ToBatchOptions } from './kernel/columns.js';
export { Kernel } from './kernel/kernel.js';
export { type CorruptionPolicy, type Loss, LossLedger, type LossReason } from './losses.js';
export { type PlacedEnd, PlacedWalk, type WalkOptions } from './placed-walk.js';
export { ReaderMemory } from './reader-memory.js';
export type { ReadBlocksOptions, RecordBlock, RecordOffsets } from './record-block.js';
export { endError, gapError, reasonOf, recordError } from './record-faults.js';
export { recordToJson, type WantsFeature } from './record-json.js';
export { readBlocks } from './record-reader.js';
export { frameChunks, frameRecords } from './record-writer.js';
export type { Row } from './row-values.js';
export { cellOf, type DecodedRow, rows } from './rows.js';
export { rowsToBatch } from './rows-to-batch.js';
export { type Feature, type FeatureKind, type Scalar, type Schema, widthOf } from './schema.js';
export { parseSchema, schemaToJson } from './schema-json.js';
export { decodeSequences, type FeatureListColumn, type SequenceBatch } from './sequence-columns.js';
export {
  type DecodedSequence,
  decodeSequenceExample,
  encodeSequenceExample,
  type SequenceRow,
  type SequenceSchema,
} from './sequence-example.js';
export { hasFeatureLists } from './sequence-parse.js';
export { flattenSequence, inferSequenceSchema } from './sequence-schema.js';
