import { lookup } from 'node:dns/promises';
import { ShardfeedError, throwIfAborted } from '../../errors.js';
import { isLoopback, type ListenAt, parseListen } from '../rendezvous/listen-at.js';
import { type DeadlineTable, deadlineTable } from './deadlines.js';
import type { Identity, Misfit } from './handshake.js';
import type { Mesh } from './mesh.js';
import { type DialTo, dial } from './mesh-dial.js';
import { type Door, openDoor } from './mesh-door.js';
import { LinkedMesh } from './mesh-links.js';
import type { MeshTls } from './mesh-tls.js';
import type { Deadlines } from './process-group.js';

export interface MeshOptions {
  readonly rank: number;
  readonly worldSize: number;
  /** Where rank 0 listens: a host's name or address, and a port. */
  readonly address: string;
  readonly port: number;
  readonly jobId: string;
  /** How often the job has been started again; default 0. */
  readonly attempt?: number;
  /** Digest of what the ranks must agree in from the start. */
  readonly planHash?: string;
  /** Without one only loopback addresses are accepted, unless `insecure`. */
  readonly secret?: string;
  readonly tls?: MeshTls;
  readonly insecure?: boolean;
  /** Where this rank listens, see parseListen. Default: rank 0 at `address`; others where they have the way to rank 0 from, any port. */
  readonly listen?: string;
  readonly deadlines?: Deadlines;
  readonly signal?: AbortSignal;
}

/** Ranks that have met rank 0 need no longer than this to reach each other. */
const PAIR_MS = 60_000;
const MOST_RANKS = 1024;

/**
 * Brings the ranks together: all come to rank 0, which tells each where the others listen; then each dials the others. When it
 * resolves all are connected to all, and nobody listens any more.
 * @throws SHARDFEED_RENDEZVOUS (names the ranks that are missing), SHARDFEED_RANK_FAILED, SHARDFEED_RANK_TIMEOUT (a rank that had
 * come died or fell silent), SHARDFEED_USAGE, SHARDFEED_ABORTED
 */
export async function joinMesh(options: MeshOptions): Promise<Mesh> {
  const { rank, worldSize, signal } = options;
  if (
    !(
      Number.isInteger(worldSize) &&
      worldSize >= 1 &&
      worldSize <= MOST_RANKS &&
      Number.isInteger(rank) &&
      rank >= 0 &&
      rank < worldSize
    )
  ) {
    throw new ShardfeedError(
      'SHARDFEED_USAGE',
      `there is no rank ${rank} of ${worldSize}: ranks are 0 to M - 1, M at most ${MOST_RANKS}`,
    );
  }
  const deadlines = deadlineTable(options.deadlines);
  throwIfAborted(signal);
  const mesh = new LinkedMesh(rank, worldSize, deadlines);
  const stop = new AbortController();
  const aborted = (): void => stop.abort(signal?.reason);
  signal?.addEventListener('abort', aborted, { once: true });
  try {
    if (worldSize > 1) await new Joining(mesh, options, deadlines, stop.signal).join();
    mesh.progress('load', 0);
    return mesh;
  } catch (error) {
    stop.abort();
    const own =
      signal?.aborted === true ? new ShardfeedError('SHARDFEED_ABORTED', 'aborted', { cause: signal.reason }) : error;
    await mesh.failToJoin(own instanceof Error ? own.message : String(own));
    await mesh.close();
    throw own;
  } finally {
    signal?.removeEventListener('abort', aborted);
  }
}

/** One rank's way into the mesh. */
class Joining {
  readonly #mesh: LinkedMesh;
  readonly #options: MeshOptions;
  readonly #deadlines: DeadlineTable;
  readonly #signal: AbortSignal;
  readonly #me: Identity;
  readonly #misfits: Promise<never>;
  #misfit!: (misfit: Misfit) => void;

  constructor(mesh: LinkedMesh, options: MeshOptions, deadlines: DeadlineTable, signal: AbortSignal) {
    this.#mesh = mesh;
    this.#options = options;
    this.#deadlines = deadlines;
    this.#signal = signal;
    const { rank, worldSize, jobId, attempt = 0, planHash = '', secret = '' } = options;
    this.#me = { rank, worldSize, jobId, attempt, planHash, secret };
    this.#misfits = new Promise((_, reject) => {
      this.#misfit = (misfit) => {
        // Others may knock at the wrong door, and an older attempt's ranks are on their way out.
        if (misfit.of === 'jobId' || misfit.of === 'attempt') return;
        const what = `${misfit.message}; start all ranks of a job with the same number of ranks and the same plan`;
        reject(new ShardfeedError('SHARDFEED_RENDEZVOUS', what, { cause: misfit }));
      };
    });
    this.#misfits.catch(() => {});
  }

  join(): Promise<void> {
    return this.#me.rank === 0 ? this.#gather() : this.#come();
  }

  /** Rank 0: waits for all, tells them of each other, and lets them go when all are linked. */
  async #gather(): Promise<void> {
    const { address, port, listen } = this.#options;
    const given = listen === undefined ? {} : parseListen(listen);
    const door = await this.#open({ address: given.address ?? address, ports: [port, port] });
    let over: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      over = setTimeout(() => reject(this.#late(door)), this.#deadlines.phases.join);
    });
    try {
      await Promise.race([this.#gatherAll(), late, this.#givenUp()]);
    } finally {
      clearTimeout(over);
      door.close();
    }
  }

  async #gatherAll(): Promise<void> {
    const mesh = this.#mesh;
    const ranks = Array.from({ length: this.#me.worldSize - 1 }, (_, i) => i + 1);
    const places = (await Promise.all(ranks.map((rank) => mesh.receive(rank)))) as DialTo[];
    for (const rank of ranks) mesh.send(rank, places);
    await this.#link(places);
    await Promise.all(ranks.map((rank) => mesh.receive(rank)));
    for (const rank of ranks) mesh.send(rank, { go: true });
  }

  /** Every other rank: comes to rank 0, and learns from it where the others are. */
  async #come(): Promise<void> {
    const { address, port, listen } = this.#options;
    const mesh = this.#mesh;
    const first: DialTo = { host: address, port, rank: 0 };
    const unknown = (cause: unknown): never => this.#unknownHost(address, cause);
    if (this.#guarded)
      for (const { address: ip } of await lookup(address, { all: true }).catch(unknown)) this.#guard(ip);
    const control = await dial(first, 'control', this.#me, this.#dialling(this.#deadlines.phases.join));
    const own = control.socket.localAddress!;
    const { address: given = own, ports = [0, 0] as const } = listen === undefined ? {} : parseListen(listen);
    const door = await this.#open({ address: given, ports });
    try {
      mesh.link(0, 'control', 'outgoing', control);
      const everywhere = door.address === '0.0.0.0' || door.address === '::';
      mesh.send(0, { host: everywhere ? own : door.address, port: door.port, rank: this.#me.rank } satisfies DialTo);
      await Promise.race([this.#comeTogether(first), this.#givenUp()]);
    } finally {
      door.close();
    }
  }

  async #comeTogether(first: DialTo): Promise<void> {
    const mesh = this.#mesh;
    await this.#link([first, ...((await mesh.receive(0)) as DialTo[])]);
    mesh.send(0, { ready: true });
    await mesh.receive(0);
  }

  /** Rejects when there is no hope: the job has failed, somebody who belongs to it does not fit, or the caller has called it off. */
  #givenUp(): Promise<never> {
    const calledOff = new Promise<never>((_, reject) => {
      if (this.#signal.aborted) reject(this.#signal.reason);
      this.#signal.addEventListener('abort', () => reject(this.#signal.reason), { once: true });
    });
    return Promise.race([this.#mesh.failure, this.#misfits, calledOff]);
  }

  /** Dials all others for what they send, and the lower ones for control; the rest of the links is theirs to dial. */
  async #link(places: readonly DialTo[]): Promise<void> {
    const mesh = this.#mesh;
    const { rank } = this.#me;
    const options = this.#dialling(Math.min(PAIR_MS, this.#deadlines.phases.join));
    const dialled = places
      .filter((place) => place.rank !== rank)
      .map(async (place) => {
        if (place.rank > 0 && place.rank < rank) {
          mesh.link(place.rank, 'control', 'outgoing', await dial(place, 'control', this.#me, options));
        }
        mesh.link(place.rank, 'data', 'incoming', await dial(place, 'data', this.#me, options));
      });
    await Promise.all(dialled);
    await mesh.linked();
  }

  async #open(at: ListenAt): Promise<Door> {
    const { address } = await lookup(at.address).catch((cause) => this.#unknownHost(at.address, cause));
    this.#guard(address);
    return openDoor({ ...at, address }, this.#me, this.#options.tls, {
      admit: (lane, rank, channel) => {
        if (this.#mesh.link(rank, channel, 'outgoing', lane)) return;
        lane.destroy();
        const twice = `two processes say that they are rank ${rank}`;
        void this.#mesh.failToJoin(`${twice}: give each its own RANK, and end those of earlier attempts`);
      },
      misfit: this.#misfit,
    });
  }

  get #guarded(): boolean {
    return this.#me.secret === '' && this.#options.insecure !== true;
  }

  #guard(ip: string): void {
    if (!this.#guarded || isLoopback(ip)) return;
    const what = `without a secret anybody who reaches ${ip} could join, read and alter the job`;
    const advice = 'give all ranks the same one by SHARDFEED_SECRET_FILE or SHARDFEED_SECRET, or say --insecure';
    throw new ShardfeedError('SHARDFEED_RENDEZVOUS', `${what}: ${advice}`);
  }

  #unknownHost(address: string, cause: unknown): never {
    const what = `the name ${JSON.stringify(address)} is not known on this host; see MASTER_ADDR and SHARDFEED_LISTEN`;
    throw new ShardfeedError('SHARDFEED_RENDEZVOUS', what, { cause });
  }

  #dialling(ms: number): { tls?: MeshTls; ms: number; signal: AbortSignal } {
    return { tls: this.#options.tls, ms, signal: this.#signal };
  }

  #late(door: Door): ShardfeedError {
    const { worldSize } = this.#me;
    const missing = this.#mesh.missing('control');
    const absent = missing.length > 0;
    const who = (absent ? missing : this.#mesh.missing('data')).join(', ');
    const what = absent
      ? `have not come to ${door.address} port ${door.port}`
      : 'have come, but are not connected to all others';
    const refused = door.refused === undefined ? '' : `; the last who was turned away: ${door.refused}`;
    const message = `ranks ${who} of ${worldSize} ${what} within ${this.#deadlines.phases.join / 1000} s${refused}`;
    return new ShardfeedError('SHARDFEED_RENDEZVOUS', `${message}; see whether they run, and their logs`);
  }
}
