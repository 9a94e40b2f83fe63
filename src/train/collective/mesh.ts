import type { Socket } from 'node:net';

/**
 * The authenticated connections between the ranks of a job: one control channel and one data socket between each two. It runs in the
 * communication thread, hears heartbeats, and decides who is at fault.
 */
export interface Mesh {
  readonly rank: number;
  readonly worldSize: number;
  /** A JSON value to another rank, in order. */
  send(to: number, message: object): void;
  /** The next JSON value that the rank sent and nobody took yet. Rejects when the job has failed. */
  receive(from: number): Promise<unknown>;
  /** The socket for bulk data to and from the rank, past the handshake; whoever takes it reads and writes it alone. */
  data(rank: number): Socket;
  /** What this rank is busy with, sent with its heartbeats. */
  progress(phase: string, step: number): void;
  /** Whether this rank waits for the others in an operation: then it is not stuck, however long it stands still. Cheap. */
  waiting(yes: boolean): void;
  /** Tells all ranks that the job has failed here. */
  fail(error: unknown): void;
  /** Rejects, once, with the error that names the first rank at fault; never resolves. */
  readonly failure: Promise<never>;
  close(): Promise<void>;
}
