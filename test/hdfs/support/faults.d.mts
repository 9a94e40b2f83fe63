/** What goes wrong in an exchange. `bytes` counts from the start of the body. */
export type Fault =
  /** The request is held back before it is passed on. */
  | { kind: 'delay'; ms: number }
  /** The connection is reset, and the cluster never hears of the request. */
  | { kind: 'reset' }
  /** The cluster does what it was asked for, and the client hears a reset. */
  | { kind: 'lostAnswer' }
  /** The answer is no HTTP; the cluster never hears of the request. */
  | { kind: 'garbage'; bytes: number; seed: number }
  /** An answer that the cluster never gave. */
  | { kind: 'status'; status: number; body: 'empty' | 'html' | 'json' }
  /** The connection breaks after so many bytes of the request's body have reached the cluster. */
  | { kind: 'resetUpload'; bytes: number }
  /** The connection is reset after so many bytes of the answer. */
  | { kind: 'cut'; bytes: number }
  /** The proxy ends its side in good order after so many bytes of the answer. */
  | { kind: 'halfClose'; bytes: number }
  /** The answer is shorter than the cluster's, and looks complete; not where it is an error. */
  | { kind: 'truncate'; bytes: number }
  /** After so many bytes of the answer nothing more comes. */
  | { kind: 'stall'; bytes: number };

export interface Exchange {
  /** Of a NameNode (or HttpFS), or of a DataNode. */
  readonly role: 'name' | 'data';
  /** The cluster's own address. */
  readonly upstream: string;
  readonly method: string;
  /** In capitals. */
  readonly op: string;
  /** Without `/webhdfs/v1`, decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly ordinal: number;
  fault?: Fault['kind'];
  /** Of the cluster's answer, where there was one. */
  status?: number;
  /** Bytes of the answer's body that were passed on. */
  bytes?: number;
}

export type Decide = (exchange: Exchange) => Fault | undefined;

/** What an exchange must be like: all that is named must be equal, or approved by the function. */
export type FaultRule = {
  [Key in 'role' | 'upstream' | 'method' | 'op' | 'path']?: string | ((value: string) => boolean);
} & {
  fault: Fault;
  /** The first match that is struck, from 1. Default 1. */
  nth?: number;
  /** How many matches are struck. Default 1. */
  times?: number;
};

export function garbageOf(fault: { bytes: number; seed: number }): Buffer;
export function byRules(rules: FaultRule[]): Decide;
export function bySeed(seed: number, rate: number): Decide;
