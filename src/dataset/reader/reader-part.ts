import type { CallOptions, Codec, Location, MemberTable } from '../../files/index.js';
import type { RecordOffsets } from '../../records/index.js';

/** What reading needs to know of a part. */
export interface ReaderPart extends Location {
  /** Of the stored file, when the dataset was opened. */
  readonly bytes: number;
  readonly records: number;
  readonly compression: Codec;
  /** When it was changed last, where that is known. */
  readonly mtimeMs?: number;
}

/** Where the records of a part lie, and the gzip members at which it can be entered. */
export interface PartPlaces extends RecordOffsets {
  readonly memberTable?: MemberTable | undefined;
}

/** Gives each part's places, read on first use. */
export interface PlacesOfParts {
  get(part: number, options: CallOptions): Promise<PartPlaces>;
}
