import type { ErrorCode } from '../errors.js';

/** What may help: nothing, the same again after a pause, or another name node. */
export type Remedy = 'none' | 'again' | 'elsewhere';

/**
 * A failure of one attempt, within this folder only. What reaches a caller is a ShardfeedError, made of the last fault
 * and the list of what was tried (`retry.ts`).
 */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: ErrorCode;
  readonly remedy: Remedy;
  /** `host:port` of the server that failed or answered. */
  readonly server: string;
  /** Class of the remote exception, such as `StandbyException`. */
  readonly exception?: string;
  /** The data node's address as its URLs have it, where another replica may help. */
  readonly dataNode?: string;

  constructor(code: ErrorCode, message: string, details: FaultDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.remedy = details.remedy ?? 'none';
    this.server = details.server;
    if (details.exception !== undefined) this.exception = details.exception;
    if (details.dataNode !== undefined) this.dataNode = details.dataNode;
  }
}

export interface FaultDetails {
  server: string;
  /** Default `none`. */
  remedy?: Remedy;
  exception?: string;
  dataNode?: string;
  cause?: unknown;
}

/** Whether a path goes through a file. The name node says so to all but the superuser, who is told that nothing is there. */
export function isBelowFile(fault: unknown): boolean {
  if (!(fault instanceof Fault)) return false;
  if (fault.exception === 'ParentNotDirectoryException') return true;
  return fault.exception === 'AccessControlException' && fault.message.includes('is not a directory');
}

/** Whether an older server, or a gateway, does not know the operation. */
export function isUnknownOperation(fault: unknown): boolean {
  if (!(fault instanceof Fault)) return false;
  return /webhdfs parameter "op"|No enum constant|Invalid HTTP \w+ operation/i.test(fault.message);
}
