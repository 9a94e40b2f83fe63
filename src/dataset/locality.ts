import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ShardfeedError } from '../errors.js';
import type { BlockLocation, CallOptions } from '../files/index.js';
import type { CatalogPart } from './catalog.js';
import { mapLimited } from './map-limited.js';
import type { NearRanks } from './order/index.js';
import { Ordinals } from './order/index.js';

/**
 * Which ranks lie near to which records, as JSON. It is found once, by one rank, and given to all: file systems move their blocks, and
 * ranks that knew different things would read records twice, or not at all.
 */
export interface Locality {
  readonly version: 1;
  /** The host of each rank. */
  readonly hosts: readonly string[];
  /** Of each part, in order: stretches of records up to `ends`, and the hosts that each lies on, as indexes into `places`. */
  readonly parts: readonly { readonly ends: readonly number[]; readonly at: readonly number[] }[];
  /** Groups of hosts that have copies of the same stretches. */
  readonly places: readonly (readonly string[])[];
}

const count = z.int().min(0);
const localityJson = z.strictObject({
  version: z.literal(1),
  hosts: z.array(z.string()),
  parts: z.array(z.strictObject({ ends: z.array(count), at: z.array(count) })),
  places: z.array(z.array(z.string())),
});

/** Asks the file systems where the blocks of the parts lie; parts of those that cannot tell are near to nobody. */
export async function findLocality(
  parts: readonly CatalogPart[],
  hosts: readonly string[],
  options: CallOptions = {},
): Promise<Locality> {
  const known = new Map<string, number>();
  const places: string[][] = [];
  const numberOf = (names: readonly string[]): number => {
    const own = [...new Set(names)].filter((name) => hosts.includes(name)).sort();
    const key = own.join('\0');
    const number = known.get(key) ?? places.push(own) - 1;
    known.set(key, number);
    return number;
  };
  const found = await mapLimited(parts, ({ fs, path }) => fs.blockLocations?.(path, options) ?? Promise.resolve([]));
  return {
    version: 1,
    hosts: [...hosts],
    parts: parts.map((part, i) => stretchesOf(part, found[i]!, numberOf)),
    places,
  };
}

/** Records are told from bytes by their average size: nearness needs no more. */
function stretchesOf(
  { records, bytes }: CatalogPart,
  blocks: readonly BlockLocation[],
  numberOf: (names: readonly string[]) => number,
): Locality['parts'][number] {
  const ends: number[] = [];
  const at: number[] = [];
  for (const { end, hosts } of blocks) {
    const last = end >= bytes ? records : Math.round((end / bytes) * records);
    if (last > (ends.at(-1) ?? 0)) {
      ends.push(last);
      at.push(numberOf(hosts));
    }
  }
  return { ends, at };
}

/** Reads what `JSON.parse` gave. @throws SHARDFEED_USAGE where it is none, or does not fit the dataset or the number of ranks */
export function parseLocality(json: unknown, parts: number, worldSize: number): Locality {
  const result = localityJson.safeParse(json);
  const wrong = (what: string): ShardfeedError => new ShardfeedError('SHARDFEED_USAGE', `locality: ${what}`);
  if (!result.success) throw wrong(z.prettifyError(result.error));
  const { hosts, parts: listed, places } = result.data;
  if (listed.length !== parts) throw wrong(`it was found for ${listed.length} parts, the dataset has ${parts}`);
  if (hosts.length !== worldSize) throw wrong(`it names the hosts of ${hosts.length} ranks, worldSize is ${worldSize}`);
  if (listed.some(({ ends, at }) => ends.length !== at.length || at.some((place) => place >= places.length))) {
    throw wrong('its parts contradict themselves');
  }
  return result.data;
}

/** The ranks on whose hosts a record lies. */
export function nearRanks({ hosts, parts, places }: Locality, counts: ArrayLike<number>): NearRanks {
  const ordinals = new Ordinals(counts);
  const ranks = places.map((names) => hosts.flatMap((host, rank) => (names.includes(host) ? [rank] : [])));
  return (ordinal) => {
    const part = ordinals.partOf(ordinal);
    const { ends, at } = parts[part]!;
    const record = ordinal - ordinals.startOf(part);
    const stretch = ends.findIndex((end) => record < end);
    return stretch < 0 ? [] : ranks[at[stretch]!]!;
  };
}

/** Equal localities have equal hashes: it is part of a plan's. */
export function localityHash(locality: Locality): string {
  return createHash('sha256').update(JSON.stringify(locality)).digest('hex');
}
