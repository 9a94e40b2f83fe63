import type { CorruptionPolicy, Loss, LossLedger } from './losses.js';
import type { ReaderMemory } from './reader-memory.js';

/** Whole records, verified. All arrays are borrowed: they are valid until the next block is asked for. */
export interface RecordBlock {
  /** The framed records, one behind the other. */
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Where payload i begins in `bytes`, and how long it is. */
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  /** Unmasked CRC32C of payload i; absent where payloads are not checked. */
  readonly crcs?: Uint32Array;
  /** Ordinal of the first record in its file; what lies between two blocks was lost. */
  readonly firstRecord: number;
  /** Where `bytes` begins in the uncompressed file. */
  readonly firstOffset: number;
}

/** Where each record of a file begins, known from an index. */
export interface RecordOffsets {
  /** Records of the file. */
  readonly count: number;
  /** Where record i's header begins in the uncompressed file; for i = count, where the file ends. */
  offsetOf(record: number): number;
}

export interface ReadBlocksOptions {
  /** Names the file in errors and losses. */
  path?: string;
  /** Default `'error'`. A ledger instead shares its budget among files; losses go to the ledger's own callback. */
  policy?: CorruptionPolicy | LossLedger;
  /** Records above this are corrupt and never allocated. Default 256 MiB, at most 1 GiB. */
  maxRecordBytes?: number;
  /** Verify payload CRCs too, default true. Header CRCs are always verified. */
  checkCrc?: boolean;
  /** Makes losses exact and a file that ends too early visible. */
  index?: RecordOffsets;
  onLoss?: (loss: Loss) => void;
  signal?: AbortSignal;
  /** Most records in a block, default 4096; not beside `memory`, which has its own. */
  blockRecords?: number;
  /** Where the blocks lie, used by one reader at a time. Default: new memory. */
  memory?: ReaderMemory;
}
