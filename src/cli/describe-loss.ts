import type { Loss } from '../records/index.js';
import { plural } from './format.js';
import { printable } from './table.js';

const REASONS: Record<Loss['reason'], string> = {
  'header-checksum': 'the checksum of a record header does not match',
  'payload-checksum': 'the checksum of a record does not match',
  'too-large': 'a record declares a length above the limit',
  truncated: 'the file ends too early',
  'damaged-stream': 'the compressed stream is damaged',
  'malformed-example': 'no valid Example or SequenceExample',
};

/** `part-r-00000: bytes 120 to 360, from record 3: 2 records lost: the checksum of a record does not match` */
export function describeLoss({ path, offset, end, record, count, atLeast, reason }: Loss): string {
  const where = `${path === undefined ? '' : `${printable(path)}: `}bytes ${offset} to ${end}, record ${record}`;
  const what = count === 0 ? 'no record lost' : `${atLeast ? 'at least ' : ''}${plural(count, 'record')} lost`;
  return `${where}: ${what}: ${REASONS[reason]}`;
}
