import { type ErrorCode, ShardfeedError } from '../errors.js';
import type { Gap } from './byte-source.js';
import { HEADER_BYTES, Walk, type WalkStatus } from './framing.js';
import type { LossReason } from './losses.js';

/** What stands at an offset of the stream. */
export interface Examined {
  readonly status: WalkStatus;
  readonly offset: number;
  /** The declared length, where there is a header. */
  readonly length: number;
  /** The payload's CRC, where it was looked at. */
  readonly crc?: number;
}

/** Where a reader is. */
export interface Where {
  readonly path: string | undefined;
  readonly record: number;
  readonly offset: number;
}

/** Why a record is lost. */
export function reasonOf(status: WalkStatus): LossReason {
  if (status === Walk.BAD_HEADER) return 'header-checksum';
  if (status === Walk.BAD_PAYLOAD) return 'payload-checksum';
  return status === Walk.TOO_LARGE ? 'too-large' : 'truncated';
}

const FAULTS: Partial<Record<WalkStatus, [ErrorCode, string]>> = {
  [Walk.SHORT_HEADER]: ['SHARDFEED_TRUNCATED', 'the file ends inside a record header'],
  [Walk.SHORT_PAYLOAD]: ['SHARDFEED_TRUNCATED', 'the file ends inside a record'],
  [Walk.BAD_HEADER]: ['SHARDFEED_CORRUPT_RECORD', 'the checksum of a record header does not match'],
  [Walk.BAD_PAYLOAD]: ['SHARDFEED_CORRUPT_RECORD', 'the checksum of a record does not match'],
  [Walk.TOO_LARGE]: ['SHARDFEED_TOO_LARGE', 'a record is too large'],
};

/** The error for a bad record; `end` is where the bytes end that are there. */
export function recordError({ status, length }: Examined, where: Where, limit: number, end: number): ShardfeedError {
  const [code, what] = FAULTS[status]!;
  const detail =
    status === Walk.TOO_LARGE
      ? ` (${length} bytes, the limit is ${limit}: raise maxRecordBytes if that is right)`
      : status === Walk.SHORT_PAYLOAD
        ? ` (${length} bytes declared, ${end - where.offset - HEADER_BYTES} are there)`
        : '';
  return failure(code, `${what}${detail} at byte ${where.offset}, record ${where.record}`, where);
}

export function gapError({ reason, storedStart, storedEnd }: Gap, where: Where): ShardfeedError {
  const what = `${reason}: stored bytes ${storedStart} to ${storedEnd}, at record ${where.record}`;
  return failure('SHARDFEED_CORRUPT_STREAM', what, where);
}

export function endError(listed: number, where: Where): ShardfeedError {
  return failure(
    'SHARDFEED_TRUNCATED',
    `the file ends after ${where.record} records, its index lists ${listed}`,
    where,
  );
}

function failure(code: ErrorCode, what: string, { path, ...where }: Where): ShardfeedError {
  const named = path === undefined ? where : { ...where, path };
  return new ShardfeedError(code, path === undefined ? what : `${what} of ${path}`, named);
}
