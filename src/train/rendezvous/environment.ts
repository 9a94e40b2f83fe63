import { ShardfeedError } from '../../errors.js';
import type { MeshTls } from '../collective/mesh-tls.js';
import { secretFrom, tlsFrom } from './credentials.js';
import { isLoopback } from './listen-at.js';
import { type Environment, PLACES, type Place, whole } from './places.js';

/** Where this process stands in its job, and how it finds the others. */
export interface RankEnvironment {
  readonly rank: number;
  readonly worldSize: number;
  /** Among the ranks of this host. */
  readonly localRank: number;
  readonly localWorldSize: number;
  /** Where rank 0 listens. */
  readonly address: string;
  readonly port: number;
  /** Where this rank listens, if not where it finds best. */
  readonly listen?: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly secret?: string;
  readonly tls?: MeshTls;
  readonly insecure: boolean;
  /** File descriptor of the launcher's pipe. */
  readonly launcherFd?: number;
  /** Who told, in words; undefined for a process that nobody started as part of a job, which is rank 0 of 1. */
  readonly source?: string;
}

const DEFAULT_PORT = 29500;
const DEFAULT_JOB = 'default';

/**
 * Reads where a process stands from what started it: torchrun's names (which our launcher uses too), TF_CONFIG, Open MPI, PMI, PMIx,
 * Kubernetes Indexed Jobs. MASTER_ADDR and MASTER_PORT say where rank 0 listens for all of them; what begins with SHARDFEED_ comes first.
 * @throws SHARDFEED_RENDEZVOUS where two of them contradict each other, or rank 0's address is missing; SHARDFEED_USAGE
 */
export function rankFromEnvironment(environment: Environment): RankEnvironment {
  const place = placeIn(environment) ?? { rank: 0, worldSize: 1 };
  const { source, rank, worldSize } = place as Partial<Place> & Pick<Place, 'rank' | 'worldSize'>;
  if (worldSize < 1 || rank >= worldSize) {
    throw new ShardfeedError(
      'SHARDFEED_USAGE',
      `${source} says that this is rank ${rank} of ${worldSize}: ranks are 0 to M - 1`,
    );
  }
  const { localRank, localWorldSize, listen, jobId, attempt, ...told } = place as Place;
  const port = whole(environment, 'MASTER_PORT');
  // torchrun keeps a store of its own on that port.
  const taken = environment.TORCHELASTIC_USE_AGENT_STORE === 'True' ? 1 : 0;
  const address = environment.MASTER_ADDR ?? told.address ?? loopback(place as Place);
  const local = address === 'localhost' || isLoopback(address);
  return {
    rank,
    worldSize,
    localRank: localRank ?? (local ? rank : 0),
    localWorldSize: localWorldSize ?? (local ? worldSize : 1),
    address,
    port: port === undefined ? (told.port ?? DEFAULT_PORT) : port + taken,
    ...defined('listen', environment.SHARDFEED_LISTEN ?? listen),
    jobId: environment.SHARDFEED_JOB_ID ?? jobId ?? DEFAULT_JOB,
    attempt: whole(environment, 'SHARDFEED_ATTEMPT') ?? attempt ?? 0,
    ...defined('secret', secretFrom(environment)),
    ...defined('tls', tlsFrom(environment)),
    insecure: environment.SHARDFEED_INSECURE === '1',
    ...defined('launcherFd', whole(environment, 'SHARDFEED_LAUNCHER_FD')),
    ...defined('source', source),
  };
}

/** What the systems that know of this process agree in. */
function placeIn(environment: Environment): Place | undefined {
  const chosen = environment.SHARDFEED_RANKS_FROM;
  if (chosen !== undefined && !Object.hasOwn(PLACES, chosen)) {
    const known = Object.keys(PLACES).join(', ');
    throw new ShardfeedError(
      'SHARDFEED_USAGE',
      `SHARDFEED_RANKS_FROM is one of ${known}, not ${JSON.stringify(chosen)}`,
    );
  }
  const places = Object.entries(PLACES)
    .filter(([name]) => chosen === undefined || name === chosen)
    .flatMap(([, read]) => read(environment) ?? []);
  const [first, ...others] = places;
  if (chosen !== undefined && first === undefined) {
    throw new ShardfeedError('SHARDFEED_USAGE', `SHARDFEED_RANKS_FROM=${chosen}, but it has set none of its variables`);
  }
  for (const other of others) {
    if (other.rank === first!.rank && other.worldSize === first!.worldSize) continue;
    const says = ({ source, rank, worldSize }: Place): string => `${source} says rank ${rank} of ${worldSize}`;
    const advice = `unset what is left over from elsewhere, or choose by SHARDFEED_RANKS_FROM=${Object.keys(PLACES).join('|')}`;
    throw new ShardfeedError('SHARDFEED_RENDEZVOUS', `${says(first!)}, but ${says(other)}: ${advice}`);
  }
  // What one of them leaves open another may tell.
  return first === undefined ? undefined : Object.assign({}, ...places.reverse().map(withoutGaps));
}

function withoutGaps(place: Place): Partial<Place> {
  return Object.fromEntries(Object.entries(place).filter(([, value]) => value !== undefined));
}

/** Where all ranks are on this host they need not be told where. */
function loopback({ source, worldSize, localWorldSize }: Place): string {
  if (worldSize === 1 || localWorldSize === worldSize) return '127.0.0.1';
  const what = `${source} does not tell where rank 0 is`;
  throw new ShardfeedError(
    'SHARDFEED_RENDEZVOUS',
    `${what}: set MASTER_ADDR to its host, for all ranks (and MASTER_PORT, default ${DEFAULT_PORT})`,
  );
}

function defined<K extends string, V>(name: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [key in K]: V });
}
