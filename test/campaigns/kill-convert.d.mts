import type { Place } from './places.mjs';

/** How often each thing was found after a kill. */
export interface KillFindings {
  /** Runs that the kill reached, and runs that were quicker. */
  killed: number;
  ended: number;
  /** Nothing (where nothing was before), the old dataset, the new one. */
  none: number;
  old: number;
  new: number;
}

export function killCampaign(options: {
  count: number;
  seed: number;
  rows: number;
  /** Default: a folder on local disk. */
  place?: Place;
  log?: (line: string) => void;
}): Promise<KillFindings>;

export function writeCsv(path: string, rows: number, random: () => number): Promise<void>;
export function look(place: Place, target: string): Promise<string | undefined>;
