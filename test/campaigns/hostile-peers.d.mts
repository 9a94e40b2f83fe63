export function hostilePeersCampaign(options: {
  /** Connections that send garbage. */
  count: number;
  /** Connections that send a byte now and then. */
  loris: number;
  seed: number;
  log?: (line: string) => void;
}): Promise<{
  /** MiB of memory that ranks 0 and 1 have more than before, milliseconds of a step without strangers and with them. */
  grown: number[];
  quiet: number;
  disturbed: number;
}>;
