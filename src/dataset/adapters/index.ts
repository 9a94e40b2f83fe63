export { type ArrowPackage, type ArrowRecordBatch, type ToArrowOptions, toArrow } from './to-arrow.js';
export {
  type BatchTensors,
  type Int64Cast,
  type RaggedTensors,
  type TensorMaker,
  type ToTensorsOptions,
  toTensors,
} from './to-tensors.js';
