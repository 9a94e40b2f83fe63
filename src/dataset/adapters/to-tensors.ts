import { ShardfeedError } from '../../errors.js';
import { own, put } from '../../own-properties.js';
import type { Batch, BytesColumn, Column, Numbers } from '../../records/index.js';

/** What is used of TensorFlow.js: `@tensorflow/tfjs`, `tfjs-node` or `tfjs-core`. */
export interface TensorMaker<T> {
  tensor(
    values: Float32Array | Int32Array | Uint8Array | Uint8Array[],
    shape: number[],
    dtype: 'float32' | 'int32' | 'bool' | 'string',
  ): T;
}

/** A ragged column: row i is values[rowSplits[i] .. rowSplits[i + 1]), as in TensorFlow's RaggedTensor. */
export interface RaggedTensors<T> {
  readonly values: T;
  /** int32 of shape [rows + 1]. */
  readonly rowSplits: T;
}

export interface BatchTensors<T> {
  readonly columns: Record<string, T | RaggedTensors<T>>;
  /** For columns that have nulls: bool of shape [rows], true where the value is there. */
  readonly valid: Record<string, T>;
  /** bool of shape [rows]: which rows count. */
  readonly mask: T;
}

/** What becomes of int64, which TensorFlow.js does not have: float32 (rounded), or its low 32 bits. */
export type Int64Cast = 'float32' | 'int32';

export interface ToTensorsOptions {
  /** By column, or for all. Default: int32, where a value beyond it is an error. */
  readonly cast?: Int64Cast | Readonly<Record<string, Int64Cast>>;
}

/** The arguments of `tensor`. */
type Arguments = Parameters<TensorMaker<unknown>['tensor']>;

/**
 * A batch as tensors of shape [rows, ...shape]: float is float32, int64 is int32, bytes are strings. Tensors may share the
 * batch's memory; `tf.dispose` takes the result as it is.
 * @throws SHARDFEED_RANGE for an int64 beyond int32, with column and row; no tensor is left then
 */
export function toTensors<T>(
  { size, columns, mask }: Batch,
  tf: TensorMaker<T>,
  { cast }: ToTensorsOptions = {},
): BatchTensors<T> {
  const plain = new Map<string, { values: Arguments; rowSplits?: Arguments; valid?: Arguments }>();
  for (const [name, column] of Object.entries(columns)) {
    const how = typeof cast === 'object' ? own(cast, name) : cast;
    const { validity } = column;
    const offsets = rowSplitsOf(column);
    plain.set(name, {
      values: column.layout === 'bytes' ? strings(column, size) : numbers(name, column, size, how),
      ...(offsets && { rowSplits: [offsets.subarray(0, size + 1), [size + 1], 'int32'] }),
      ...(validity && { valid: [bits(validity, size), [size], 'bool'] }),
    });
  }
  // Everything that can fail has been done: none of the tensors gets lost.
  const result: BatchTensors<T> = { columns: {}, valid: {}, mask: tf.tensor(mask.subarray(0, size), [size], 'bool') };
  for (const [name, { values, rowSplits, valid }] of plain) {
    const tensor = tf.tensor(...values);
    put(
      result.columns,
      name,
      rowSplits === undefined ? tensor : { values: tensor, rowSplits: tf.tensor(...rowSplits) },
    );
    if (valid !== undefined) put(result.valid, name, tf.tensor(...valid));
  }
  return result;
}

function rowSplitsOf(column: Column): Int32Array | undefined {
  if (column.layout === 'fixed') return undefined;
  return column.layout === 'ragged' ? column.offsets : column.rowOffsets;
}

function numbers(name: string, column: Exclude<Column, BytesColumn>, rows: number, cast?: Int64Cast): Arguments {
  const ragged = column.layout === 'ragged';
  const width = ragged ? 1 : column.shape.reduce((n, d) => n * d, 1);
  const count = ragged ? column.offsets[rows]! : rows * width;
  const values = column.values.subarray(0, count);
  const shape = ragged ? [count] : [rows, ...column.shape];
  if (values instanceof Float32Array) return [values, shape, 'float32'];
  if (cast === 'float32') return [Float32Array.from(values as Float64Array, Number), shape, 'float32'];
  const ints = Int32Array.from(values as Float64Array, lowBits);
  if (cast === 'int32') return [ints, shape, 'int32'];
  const at = firstBeyond(values, ints);
  if (at < 0) return [ints, shape, 'int32'];
  const row = ragged ? column.offsets.findIndex((offset) => offset > at) - 1 : Math.floor(at / width);
  const what = `row ${row} of column ${JSON.stringify(name)} holds ${values[at]}, beyond int32, the only integers of TensorFlow.js: say cast: { ${JSON.stringify(name)}: 'float32' } or 'int32' (its low 32 bits)`;
  throw new ShardfeedError('SHARDFEED_RANGE', what, { column: name });
}

function lowBits(value: number | bigint): number {
  return typeof value === 'bigint' ? Number(BigInt.asIntN(32, value)) : value | 0;
}

/** Where the first value lies that int32 does not have; -1 where there is none. */
function firstBeyond(values: Numbers, ints: Int32Array): number {
  for (let i = 0; i < ints.length; i++) if (Number(values[i]) !== ints[i]) return i;
  return -1;
}

function strings({ data, offsets, shape, rowOffsets }: BytesColumn, rows: number): Arguments {
  const dimensions = shape === 'ragged' ? [rowOffsets![rows]!] : [rows, ...shape];
  const count = dimensions.reduce((n, d) => n * d, 1);
  const items = Array.from({ length: count }, (_, k) => data.subarray(offsets[k]!, offsets[k + 1]!));
  return [items, dimensions, 'string'];
}

function bits(validity: Uint8Array, rows: number): Uint8Array {
  return Uint8Array.from({ length: rows }, (_, row) => (validity[row >> 3]! >> (row & 7)) & 1);
}
