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
  log?: (line: string) => void;
}): Promise<KillFindings>;
