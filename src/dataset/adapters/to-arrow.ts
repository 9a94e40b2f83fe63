import type * as Arrow from 'apache-arrow';
import { ShardfeedError } from '../../errors.js';
import type { Batch, BytesColumn, Column, Numbers } from '../../records/index.js';
import { loadPeer } from './load-peer.js';

/** The package `apache-arrow`, as far as it takes to say what it makes. */
export interface ArrowPackage {
  readonly RecordBatch: new (...args: never[]) => object;
}

/** An Arrow RecordBatch, as far as it can be told without the package: pass the package in for its own type. */
export interface ArrowRecordBatch {
  readonly numRows: number;
  readonly numCols: number;
}

export interface ToArrowOptions {
  /** Columns of bytes that are text: Utf8 instead of Binary. That they are UTF-8 is not checked. */
  readonly text?: readonly string[];
  /** Name of a Uint8 column that holds the mask; false: none, for batches in which every row counts. Default `'_mask'`. */
  readonly mask?: string | false;
}

/**
 * A batch as an Arrow RecordBatch that shares its memory: Float32, Float64 or Int64 (as int64 was read), Binary, List for ragged
 * columns, FixedSizeList for shapes. With the package passed in at once, else it is loaded when first used.
 * `new arrow.Table([recordBatch, ...])` makes a table.
 * @throws SHARDFEED_UNSUPPORTED where apache-arrow is not installed; SHARDFEED_USAGE where the mask's name is taken
 */
export function toArrow<A extends ArrowPackage>(
  batch: Batch,
  options: ToArrowOptions & { arrow: A },
): InstanceType<A['RecordBatch']>;
export function toArrow(batch: Batch, options?: ToArrowOptions): Promise<ArrowRecordBatch>;
export function toArrow(
  batch: Batch,
  { arrow, ...options }: ToArrowOptions & { arrow?: ArrowPackage } = {},
): object | Promise<object> {
  if (arrow !== undefined) return make(arrow as unknown as typeof Arrow, batch, options);
  return loadPeer<typeof Arrow>('apache-arrow', 'Arrow').then((loaded) => make(loaded, batch, options));
}

function make(arrow: typeof Arrow, { size, columns, mask }: Batch, options: ToArrowOptions): Arrow.RecordBatch {
  const { text = [], mask: maskName = '_mask' } = options;
  const fields: Arrow.Field[] = [];
  const children: Arrow.Data[] = [];
  const add = (name: string, data: Arrow.Data, nullable: boolean): void => {
    fields.push(new arrow.Field(name, data.type, nullable));
    children.push(data);
  };
  for (const [name, column] of Object.entries(columns)) {
    if (name === maskName) {
      const what = `column ${JSON.stringify(name)} has the name of the mask: choose another one, mask: '...'`;
      throw new ShardfeedError('SHARDFEED_USAGE', what, { column: name });
    }
    add(name, toData(arrow, column, size, text.includes(name)), column.validity !== undefined);
  }
  if (maskName !== false) add(maskName, arrow.makeData({ type: new arrow.Uint8(), length: size, data: mask }), false);
  const type = new arrow.Struct(fields);
  const struct = arrow.makeData({ type, length: size, nullCount: 0, children });
  return new arrow.RecordBatch(new arrow.Schema(fields), struct);
}

function toData(arrow: typeof Arrow, column: Column, rows: number, isText: boolean): Arrow.Data {
  const nulls = column.validity === undefined ? { nullCount: 0 } : { nullBitmap: column.validity };
  const rowOffsets =
    column.layout === 'ragged' ? column.offsets : column.layout === 'bytes' ? column.rowOffsets : undefined;
  const leaf = (length: number, own: object): Arrow.Data =>
    column.layout === 'bytes'
      ? bytesData(arrow, column, length, isText, own)
      : numbersData(arrow, column.values, length, own);
  if (rowOffsets !== undefined) {
    const child = leaf(rowOffsets[rows]!, { nullCount: 0 });
    const type = new arrow.List(new arrow.Field('item', child.type, false));
    return arrow.makeData({ type, length: rows, ...nulls, valueOffsets: rowOffsets, child });
  }
  const shape = column.layout === 'ragged' || column.shape === 'ragged' ? [] : column.shape;
  let length = shape.reduce((n, d) => n * d, rows);
  let data = leaf(length, shape.length === 0 ? nulls : { nullCount: 0 });
  for (let i = shape.length - 1; i >= 0; i--) {
    length = shape.slice(0, i).reduce((n, d) => n * d, rows);
    const type = new arrow.FixedSizeList(shape[i]!, new arrow.Field('item', data.type, false));
    data = arrow.makeData({ type, length, ...(i === 0 ? nulls : { nullCount: 0 }), child: data });
  }
  return data;
}

function numbersData(arrow: typeof Arrow, values: Numbers, length: number, nulls: object): Arrow.Data {
  if (values instanceof Float32Array)
    return arrow.makeData({ type: new arrow.Float32(), length, ...nulls, data: values });
  if (values instanceof Float64Array)
    return arrow.makeData({ type: new arrow.Float64(), length, ...nulls, data: values });
  return arrow.makeData({ type: new arrow.Int64(), length, ...nulls, data: values });
}

function bytesData(
  arrow: typeof Arrow,
  { offsets, data }: BytesColumn,
  length: number,
  isText: boolean,
  nulls: object,
): Arrow.Data {
  const memory = { length, ...nulls, valueOffsets: offsets, data };
  return isText
    ? arrow.makeData({ type: new arrow.Utf8(), ...memory })
    : arrow.makeData({ type: new arrow.Binary(), ...memory });
}
