import { isShardfeedError, type ShardfeedError } from '../errors.js';
import { parseExample } from '../records/example-parse.js';
import {
  ExampleDecoder,
  FRAME_BYTES,
  HEADER_BYTES,
  hasFeatureLists,
  inferRecordSchema,
  type Loss,
  type RecordBlock,
  type Schema,
} from '../records/index.js';
import { parseSequenceExample } from '../records/sequence-parse.js';

const SAMPLE_RECORDS = 1000;

/** A record that is whole but no Example, and those directly behind it that are none either. */
export type MalformedRange = Pick<Loss, 'offset' | 'end' | 'record' | 'count'>;

/**
 * Checks that records are Examples or SequenceExamples. Records of a schema go through the kernel's decoder; without one the
 * schema of the first records is taken, and a file whose records do not share a schema is parsed record by record.
 */
export class PayloadCheck {
  readonly malformed: MalformedRange[] = [];
  /** The first record that does not fit the schema that was given. */
  mismatch: ShardfeedError | undefined;
  readonly #given: Schema | undefined;
  #decoder: ExampleDecoder | undefined;
  #mode: 'start' | 'decoder' | 'single' = 'start';

  constructor(schema: Schema | undefined) {
    this.#given = schema;
  }

  check(block: RecordBlock): void {
    if (block.count === 0) return;
    if (this.#mode === 'start') this.#start(block);
    if (this.#mode === 'single') this.#each(block, 0);
    else this.#decode(block);
  }

  #start(block: RecordBlock): void {
    const schema = this.#given ?? sampleOf(block);
    this.#mode = schema === undefined ? 'single' : 'decoder';
    if (schema === undefined) return;
    const onMalformed = (error: ShardfeedError, bytes: Uint8Array): void => {
      this.#note(error.offset!, bytes.length, error.record!);
    };
    this.#decoder = new ExampleDecoder(schema, { onMalformed });
  }

  #decode(block: RecordBlock): void {
    const decoder = this.#decoder!;
    try {
      decoder.load(block);
      while (decoder.fill()) decoder.drop();
      decoder.drop();
    } catch (error) {
      if (!isShardfeedError(error, 'SHARDFEED_SCHEMA_MISMATCH')) throw error;
      if (this.#given !== undefined) this.mismatch ??= error;
      this.#mode = 'single';
      this.#each(block, error.record! - block.firstRecord);
    }
  }

  /** Parses record by record, from the i-th of the block on. */
  #each({ bytes, offsets, lengths, count, firstRecord, firstOffset }: RecordBlock, from: number): void {
    for (let i = from; i < count; i++) {
      const start = offsets[i]!;
      const payload = bytes.subarray(start, start + lengths[i]!);
      try {
        parse(payload);
      } catch (error) {
        if (!isShardfeedError(error, 'SHARDFEED_MALFORMED_EXAMPLE')) throw error;
        this.#note(firstOffset + start - HEADER_BYTES, lengths[i]! + FRAME_BYTES, firstRecord + i);
      }
    }
  }

  #note(offset: number, size: number, record: number): void {
    const last = this.malformed.at(-1);
    if (last !== undefined && last.end === offset && last.record + last.count === record) {
      this.malformed[this.malformed.length - 1] = { ...last, end: offset + size, count: last.count + 1 };
    } else {
      this.malformed.push({ offset, end: offset + size, record, count: 1 });
    }
  }
}

/** @throws SHARDFEED_MALFORMED_EXAMPLE */
function parse(payload: Uint8Array): void {
  if (hasFeatureLists(payload)) parseSequenceExample(payload);
  else parseExample(payload);
}

/** A schema for the decoder; undefined where the records are sequences, do not agree or are no Examples. */
function sampleOf({ bytes, offsets, lengths, count }: RecordBlock): Schema | undefined {
  const sample = Array.from({ length: Math.min(count, SAMPLE_RECORDS) }, (_, i) =>
    bytes.subarray(offsets[i]!, offsets[i]! + lengths[i]!),
  );
  try {
    return sample.some(hasFeatureLists) ? undefined : inferRecordSchema(sample);
  } catch (error) {
    if (
      isShardfeedError(error, 'SHARDFEED_MALFORMED_EXAMPLE') ||
      isShardfeedError(error, 'SHARDFEED_SCHEMA_MISMATCH')
    ) {
      return undefined;
    }
    throw error;
  }
}
