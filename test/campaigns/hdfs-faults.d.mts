import type { Cluster } from '../../scripts/hdfs/cluster.mjs';

/** `faults` struck in all, seconds of the `slowest` conversion, and how often each outcome was met (`wrote ok`, ...). */
export type FaultFindings = { faults: number; slowest: number } & Record<string, number>;

export function faultCampaign(options: {
  cluster: Cluster;
  count: number;
  seed: number;
  /** Share of exchanges that break. */
  rate: number;
  rows: number;
  log?: (line: string) => void;
}): Promise<FaultFindings>;
