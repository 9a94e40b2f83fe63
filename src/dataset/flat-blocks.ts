import { isShardfeedError } from '../errors.js';
import { FRAME_BYTES, flattenSequence, frameRecords, HEADER_BYTES, type RecordBlock } from '../records/index.js';

/**
 * Blocks of SequenceExamples as blocks of Examples; see `flattenSequence`. A record that is none stays as it is. Offsets in
 * errors count in the new bytes of a block.
 */
export async function* flatBlocks(blocks: AsyncIterable<RecordBlock>): AsyncGenerator<RecordBlock> {
  for await (const { bytes, count, offsets, lengths, firstRecord, firstOffset } of blocks) {
    const flat = Array.from({ length: count }, (_, i) =>
      flatten(bytes.subarray(offsets[i]!, offsets[i]! + lengths[i]!)),
    );
    const places = new Uint32Array(count);
    for (let i = 0, at = HEADER_BYTES; i < count; i++) {
      places[i] = at;
      at += flat[i]!.length + FRAME_BYTES;
    }
    const sizes = Uint32Array.from(flat, ({ length }) => length);
    yield { bytes: frameRecords(flat), count, offsets: places, lengths: sizes, firstRecord, firstOffset };
  }
}

function flatten(record: Uint8Array): Uint8Array {
  try {
    return flattenSequence(record);
  } catch (error) {
    if (isShardfeedError(error, 'SHARDFEED_MALFORMED_EXAMPLE')) return record;
    throw error;
  }
}
