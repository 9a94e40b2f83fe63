import { ShardfeedError } from '../errors.js';
import { Kernel } from './kernel/kernel.js';
import { PIECE_BYTES } from './record-input.js';
import { StreamWindow } from './stream-window.js';

/** What a reader works in. Readers of one file after another can share it, and a decoder its kernel, which spares a copy. */
export class ReaderMemory {
  readonly kernel: Kernel;
  /** Most records in a block. */
  readonly blockRecords: number;
  readonly window: StreamWindow;
  /** Where the kernel writes the places, lengths and CRCs of a block's records. */
  readonly places: number;
  /** Where it says why it stopped. */
  readonly state: number;

  constructor(kernel: Kernel = new Kernel(), blockRecords = 4096) {
    if (!(Number.isInteger(blockRecords) && blockRecords > 0)) {
      throw new ShardfeedError('SHARDFEED_USAGE', `blockRecords is ${blockRecords}, a number from 1 is wanted`);
    }
    this.kernel = kernel;
    this.blockRecords = blockRecords;
    this.places = kernel.alloc(blockRecords * 12);
    this.state = kernel.alloc(8);
    this.window = new StreamWindow(kernel, PIECE_BYTES + (64 << 10));
  }
}
