import type { Place } from './places.mjs';

export function killReadersCampaign(options: {
  count: number;
  seed: number;
  rows: number;
  /** Default: a folder on local disk. */
  place?: Place;
  log?: (line: string) => void;
}): Promise<{ epochs: number; kills: number }>;
