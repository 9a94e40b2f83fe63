import type { StdioOptions } from 'node:child_process';

export interface ClusterOptions {
  /** DataNodes, default 2; replication is 2, or 1 with one of them. */
  dn?: number;
  /** JournalNodes where `ha`, default 1. */
  jn?: number;
  /** Two NameNodes, the first of them active, behind the name service `ns1`. Default false. */
  ha?: boolean;
  /** The HttpFS gateway too. Default false. */
  httpfs?: boolean;
  /** Bytes of a block, default 1 MiB. */
  block?: number;
  /** More Hadoop properties, for daemons and clients: `dfs.*` go to hdfs-site.xml, others to core-site.xml. */
  conf?: Record<string, string>;
  /** More flags for every Java virtual machine. */
  jvm?: string[];
  /** What the DataNodes call their hosts, each another name of 127.0.0.1. */
  hostnames?: string[];
  /** Variables for daemons and tools, where the process has none of their names. */
  env?: Record<string, string>;
  /** More files for the class path, by name: `ssl-server.xml`. */
  files?: Record<string, string>;
  /** What the probes of daemons send along. */
  headers?: Record<string, string>;
}

/** A daemon and the addresses (`host:port`) that it listens on. */
export interface Daemon {
  id: string;
  http: string;
}
export interface NameNode extends Daemon {
  rpc: string;
  https: string;
}
export interface DataNode extends Daemon {
  /** Of block transfers: what `excludedatanodes` wants. */
  data: string;
  https: string;
  ipc: string;
}

export interface Cluster {
  dir: string;
  options: Required<ClusterOptions>;
  defaultFS: string;
  nn: NameNode[];
  jn: NameNode[];
  dn: DataNode[];
  httpfs: Daemon[];
  ready: boolean;
}
export type DaemonStatus = Daemon & { pid?: number; residentBytes?: number };

export function whyUnavailable(): string | undefined;
export function clientConf(dir: string): string;
export function loadCluster(dir: string): Cluster | undefined;
export function startCluster(dir: string, options?: ClusterOptions): Promise<Cluster & { wasRunning: boolean }>;
export function stopCluster(dir: string, options?: { clear?: boolean }): Promise<void>;
export function killDaemon(dir: string, id: string, signal?: NodeJS.Signals): Promise<void>;
export function startDaemon(dir: string, id: string): Promise<void>;
export function clusterStatus(dir: string): DaemonStatus[];
export function runTool(
  dir: string,
  name: string,
  args: string[],
  options?: { user?: string; stdio?: StdioOptions },
): Promise<{ status: number | null; stdout: string; stderr: string }>;
