import type { Decide, Exchange } from './faults.mjs';

export interface FaultProxy extends AsyncDisposable {
  /** Asked once for every exchange; may be set anew. */
  decide: Decide;
  /** Every exchange so far, in order of arrival. */
  readonly exchanges: Exchange[];
  /** The proxy's `host:port` for one of the cluster's. */
  addressOf(upstream: string): string | undefined;
}

export function startFaultProxy(options: {
  /** Addresses (`host:port`) that clients begin with: of NameNodes or of HttpFS. */
  names: string[];
  decide?: Decide;
  /** Added to every request and to every answer. */
  latencyMs?: number;
}): Promise<FaultProxy>;
