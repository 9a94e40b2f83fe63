import { BatchStream, type Positioned, type StreamStart } from '../../../src/dataset/pipeline/index.js';
import type { Batch, FixedColumn } from '../../../src/records/index.js';

export interface NumberedPosition {
  readonly epoch: number;
  readonly done: number;
}

export interface NumberedOptions {
  /** Batches in an epoch. Default 5. */
  batches?: number;
  /** Default 2. */
  rows?: number;
  /** Name of the column. Default `id`. */
  name?: string;
  /** Added to every id. */
  base?: number;
  signal?: AbortSignal;
  borrowed?: boolean;
  /** Awaited before each batch. */
  wait?: (signal: AbortSignal) => Promise<void>;
}

/** Batches whose rows have numbers: 1000 x epoch + 100 x the batch's number in it + row. */
export class Numbered {
  opened = 0;
  /** Reads that are under way. */
  open = 0;
  /** Batches made. */
  made = 0;
  readonly stream: BatchStream<Batch, NumberedPosition>;

  constructor(options: NumberedOptions = {}) {
    const { signal, borrowed } = options;
    this.stream = new BatchStream({
      open: (start) => this.#read(start, options),
      ...(signal && { signal }),
      ...(borrowed !== undefined && { borrowed }),
    });
  }

  async *#read(
    { position, epoch, signal }: StreamStart<NumberedPosition>,
    { batches = 5, rows = 2, name = 'id', base = 0, wait, borrowed }: NumberedOptions,
  ): AsyncGenerator<Positioned<Batch, NumberedPosition>> {
    this.opened++;
    this.open++;
    const lent = new Float64Array(rows);
    try {
      const at = position?.epoch ?? epoch;
      for (let i = position?.done ?? 0; i < batches; i++) {
        await (wait ?? (async () => {}))(signal);
        const values = (borrowed === true ? lent : new Float64Array(rows)).map(
          (_, r) => base + at * 1000 + i * 100 + r,
        );
        if (borrowed === true) lent.set(values);
        this.made++;
        yield {
          size: rows,
          columns: { [name]: { layout: 'fixed', shape: [], values: borrowed === true ? lent : values } },
          mask: new Uint8Array(rows).fill(1),
          position: { epoch: at, done: i + 1 },
        };
      }
    } finally {
      this.open--;
    }
  }
}

export function numbered(options: NumberedOptions = {}): BatchStream<Batch, NumberedPosition> {
  return new Numbered(options).stream;
}

/** The numbers in a batch's first column; those of rows that do not count as null. */
export function ids({ columns, mask }: Batch): (number | null)[] {
  const { values } = Object.values(columns)[0] as FixedColumn;
  return Array.from(mask, (counts, i) => (counts === 1 ? Number(values[i]) : null));
}

/** The numbers of all batches. */
export async function idsOf(stream: AsyncIterable<Batch>): Promise<(number | null)[][]> {
  const all: (number | null)[][] = [];
  for await (const batch of stream) all.push(ids(batch));
  return all;
}

/** The first number of every batch. */
export async function firsts(stream: AsyncIterable<Batch>): Promise<(number | null)[]> {
  return (await idsOf(stream)).map(([first]) => first!);
}

/** What a stream throws; undefined for a stream that ends. */
export async function failureOf(stream: AsyncIterable<unknown>): Promise<unknown> {
  try {
    for await (const _ of stream);
    return undefined;
  } catch (error) {
    return error;
  }
}
