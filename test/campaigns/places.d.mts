import type { Cluster } from '../../scripts/hdfs/cluster.mjs';

/** Where a campaign's datasets lie. Paths are relative to it. */
export interface Place {
  /** What the command line tool needs in its environment to get there. */
  readonly env: Readonly<Record<string, string>>;
  uri(path: string): string;
  names(folder: string): Promise<string[]>;
  exists(path: string): Promise<boolean>;
  text(path: string): Promise<string>;
  make(folder: string): Promise<void>;
  remove(path: string): Promise<void>;
  age(path: string, seconds: number): Promise<void>;
}

export interface ToolRun {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  seconds: number;
}

export function localPlace(): Place;
export function hdfsPlace(cluster: Cluster, root?: string, authority?: string): Promise<Place>;
export function startTool(place: Pick<Place, 'env'>, args: string[]): { ended: Promise<ToolRun> };
export function runTool(place: Pick<Place, 'env'>, args: string[]): Promise<ToolRun>;
