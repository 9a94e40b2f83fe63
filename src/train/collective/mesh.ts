import type { ErrorCode } from '../../errors.js';
import type { Lane } from './mesh-lane.js';
import type { Phase } from './process-group.js';

/**
 * The authenticated connections between the ranks of a job: a control channel between each two, and a lane for bulk data in each
 * direction. It runs in the communication thread, hears heartbeats, and decides who is at fault.
 */
export interface Mesh {
  readonly rank: number;
  readonly worldSize: number;
  /** A JSON value to another rank, in order. */
  send(to: number, message: object): void;
  /** The next JSON value that the rank sent and nobody took yet. Rejects when the job has failed. */
  receive(from: number): Promise<unknown>;
  /** Bulk data to and from the rank; whoever takes it reads and writes it alone. */
  data(rank: number): DataChannel;
  /** What this rank is busy with, sent with its heartbeats; saying it is progress. */
  progress(phase: Phase, step: number): void;
  /** Whether this rank waits for the others in an operation: then it is not stuck, however long it stands still. Cheap. */
  waiting(yes: boolean): void;
  /** Tells all ranks that the job has failed here; resolves once they have been told (at most a second later). Nothing after the first failure. */
  fail(error: unknown): Promise<void>;
  /** Rejects, once, with the error that names the first rank at fault, whose `cause` is the {@link Culprit}; never resolves. */
  readonly failure: Promise<never>;
  /** Says good-bye, and gives back all sockets within two seconds. What is under way rejects with SHARDFEED_ABORTED. Twice is fine. */
  close(): Promise<void>;
}

/** The two lanes between this rank and another. */
export interface DataChannel {
  readonly incoming: Pick<Lane, 'read'>;
  readonly outgoing: Pick<Lane, 'write'>;
}

/** How a rank is at fault; of several at once, the first of this list is taken for the cause of the others. */
export const FAULTS = ['error', 'rendezvous', 'died', 'left', 'broken', 'stuck', 'silent'] as const;

/** The rank that failed first, as all ranks tell it; plain JSON. */
export interface Culprit {
  readonly rank: number;
  readonly fault: (typeof FAULTS)[number];
  readonly phase: Phase;
  readonly step: number;
  /** Seconds since its last progress, or, of a silent rank, since it was last heard of. */
  readonly age: number;
  readonly message: string;
  /** Where the rank threw, if it did. */
  readonly stack?: string;
  readonly code?: ErrorCode;
}
