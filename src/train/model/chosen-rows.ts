import type { Batch } from '../../records/batch.js';
import { readNumbers, readOneHot } from './column-reader.js';
import type { PlannedInput } from './model-plan.js';

/** The rows of a batch that count, and their numbers in the step's global batch. */
export class ChosenRows {
  /** Places in the batch; the first `count` hold. */
  rows = new Int32Array(0);
  rowNumbers = new Uint32Array(0);
  count = 0;

  /** Those from row `from` to before `to`. */
  choose({ size, mask }: Batch, firstRow: number, from = 0, to = size): void {
    if (this.rows.length < size) {
      this.rows = new Int32Array(size);
      this.rowNumbers = new Uint32Array(size);
    }
    this.count = 0;
    for (let row = from; row < to; row++) {
      if (mask[row] !== 1) continue;
      this.rows[this.count] = row;
      this.rowNumbers[this.count++] = firstRow + row;
    }
  }

  /** Copies the inputs of the chosen rows, side by side. @throws as readNumbers */
  read(batch: Batch, inputs: readonly PlannedInput[], values: Float32Array, stride: number): void {
    let offset = 0;
    for (const { column, width, oneHot } of inputs) {
      const read = oneHot ? readOneHot : readNumbers;
      read(batch, column, width, this.rows, this.count, { values, offset, stride });
      offset += width;
    }
  }

  /** The chosen rows' numbers at their places in the batch, of `size` rows; the others stay as they are, by default zeros. */
  spread(
    from: Float32Array,
    stride: number,
    width: number,
    size: number,
    to: Float32Array = new Float32Array(size * width),
  ): Float32Array {
    for (let i = 0; i < this.count; i++) {
      to.set(from.subarray(i * stride, i * stride + width), this.rows[i]! * width);
    }
    return to;
  }
}
