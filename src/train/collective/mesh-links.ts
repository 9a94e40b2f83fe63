import { type ErrorCode, isShardfeedError, ShardfeedError } from '../../errors.js';
import type { DeadlineTable } from './deadlines.js';
import type { Channel } from './handshake.js';
import type { Culprit, DataChannel, Mesh } from './mesh.js';
import { encodeFrame, FRAME, readFrames } from './mesh-frames.js';
import type { Lane } from './mesh-lane.js';
import { Verdict } from './mesh-verdict.js';
import type { Phase } from './process-group.js';

/** What a rank tells of itself with each heartbeat. */
interface Pulse {
  readonly phase: Phase;
  readonly step: number;
  /** Milliseconds since its last progress. */
  readonly age: number;
  readonly waiting: boolean;
}

interface Peer {
  readonly rank: number;
  control?: Lane;
  incoming?: Lane;
  outgoing?: Lane;
  /** Messages that nobody took yet. */
  readonly queue: unknown[];
  readonly takers: { resolve: (value: unknown) => void; reject: (error: unknown) => void }[];
  heard: number;
  pulse: Pulse;
  /** It said good-bye. */
  left: boolean;
  /** It knows of a failure, so that its own end is no news. */
  told: boolean;
}

/** Milliseconds that telling of a failure, and good-byes, may take. */
const TELL_MS = 1000;
const BYE_MS = 2000;
/** What data connections show is believed only when nothing more telling came meanwhile: their last bytes may be under way. */
const BROKEN_MS = 1000;

/** The mesh, as it grows link by link and then works. */
export class LinkedMesh implements Mesh {
  readonly rank: number;
  readonly worldSize: number;
  readonly #deadlines: DeadlineTable;
  readonly #verdict: Verdict;
  readonly #peers: readonly Peer[];
  readonly #timer: NodeJS.Timeout;
  #ticked = performance.now();
  #phase: Phase = 'join';
  #step = 0;
  #waiting = false;
  #progressed = performance.now();
  #moved = 0;
  #closing: Promise<void> | undefined;
  #linked: (() => void) | undefined;

  constructor(rank: number, worldSize: number, deadlines: DeadlineTable) {
    this.rank = rank;
    this.worldSize = worldSize;
    this.#deadlines = deadlines;
    this.#verdict = new Verdict(worldSize);
    const pulse: Pulse = { phase: 'join', step: 0, age: 0, waiting: true };
    this.#peers = Array.from({ length: worldSize }, (_, peer) => ({
      rank: peer,
      queue: [],
      takers: [],
      heard: 0,
      pulse,
      left: false,
      told: false,
    }));
    this.failure.catch((error) => {
      for (const peer of this.#peers) for (const { reject } of peer.takers.splice(0)) reject(error);
    });
    this.#timer = setInterval(() => this.#tick(), Math.min(1000, Math.max(20, deadlines.silence / 4)));
  }

  get failure(): Promise<never> {
    return this.#verdict.failure;
  }

  send(to: number, message: object): void {
    this.#peers[to]!.control?.write(encodeFrame(FRAME.message, message));
  }

  receive(from: number): Promise<unknown> {
    const peer = this.#peers[from]!;
    if (this.#verdict.settled) return this.failure;
    if (peer.queue.length > 0) return Promise.resolve(peer.queue.shift());
    if (peer.left) this.#missed(peer);
    return new Promise((resolve, reject) => peer.takers.push({ resolve, reject }));
  }

  data(rank: number): DataChannel {
    const { incoming, outgoing } = this.#peers[rank]!;
    return { incoming: incoming!, outgoing: outgoing! };
  }

  progress(phase: Phase, step: number): void {
    const news = phase !== this.#phase;
    this.#phase = phase;
    this.#step = step;
    this.#progressed = performance.now();
    if (news) this.#beat();
  }

  waiting(yes: boolean): void {
    this.#waiting = yes;
    this.#progressed = performance.now();
  }

  async fail(error: unknown): Promise<void> {
    if (this.#verdict.open) return;
    const message = error instanceof Error ? error.message : String(error);
    const stack = error instanceof Error ? error.stack : undefined;
    const code = isShardfeedError(error) ? error.code : undefined;
    await this.#confess('error', message, stack, code);
  }

  /** The ranks cannot come together, and all that have come learn why. */
  async failToJoin(message: string): Promise<void> {
    await this.#confess('rendezvous', message);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Takes the lane for its own; false where there is one already. */
  link(rank: number, channel: Channel, direction: 'incoming' | 'outgoing', lane: Lane): boolean {
    const peer = this.#peers[rank]!;
    const slot = channel === 'control' ? 'control' : direction;
    if (peer[slot] !== undefined || this.#closing !== undefined) return false;
    peer[slot] = lane;
    peer.heard = performance.now();
    if (slot === 'control') {
      readFrames(lane, (kind, value) => this.#take(peer, kind, value));
      void lane.closed.then((error) => this.#ended(peer, error));
    } else {
      void lane.closed.then((error) => this.#dataEnded(peer, error));
    }
    if (this.missing('control').length + this.missing('data').length === 0) this.#linked?.();
    return true;
  }

  /** Ranks to which there is no such channel, both ways, yet. */
  missing(channel: Channel): number[] {
    return this.#others()
      .filter(({ control, incoming, outgoing }) =>
        channel === 'control' ? control === undefined : incoming === undefined || outgoing === undefined,
      )
      .map(({ rank }) => rank);
  }

  /** Resolves when this rank is linked with all others, rejects when the job fails before. */
  linked(): Promise<void> {
    if (this.missing('control').length + this.missing('data').length === 0) return Promise.resolve();
    const all = new Promise<void>((resolve) => {
      this.#linked = resolve;
    });
    return Promise.race([all, this.failure]);
  }

  #others(): Peer[] {
    return this.#peers.filter(({ rank }) => rank !== this.rank);
  }

  #take(peer: Peer, kind: number, value: unknown): void {
    peer.heard = performance.now();
    if (kind === FRAME.message) {
      const taker = peer.takers.shift();
      if (taker === undefined) peer.queue.push(value);
      else taker.resolve(value);
    } else if (kind === FRAME.heartbeat) {
      peer.pulse = value as Pulse;
    } else if (kind === FRAME.culprit) {
      peer.told = true;
      void this.#tell(value as Culprit);
    } else if (kind === FRAME.bye) {
      peer.left = true;
      if (peer.takers.length > 0) this.#missed(peer);
    }
  }

  #pulse(): Pulse {
    return { phase: this.#phase, step: this.#step, age: performance.now() - this.#progressed, waiting: this.#waiting };
  }

  #confess(fault: Culprit['fault'], message: string, stack?: string, code?: ErrorCode): Promise<void> {
    const { phase, step, age } = this.#pulse();
    return this.#tell({ rank: this.rank, fault, phase, step, age: age / 1000, message, stack, code });
  }

  #missed(peer: Peer): void {
    this.#accuse(peer, 'left', `it has closed its group, while rank ${this.rank} still works with it`);
  }

  #ended(peer: Peer, error: Error | undefined): void {
    // Where somebody is accused already it is a consequence of that.
    if (peer.left || peer.told || this.#verdict.open) return;
    this.#accuse(
      peer,
      'died',
      `its connection ended without a good-bye${error === undefined ? '' : ` (${error.message})`}`,
    );
  }

  #dataEnded(peer: Peer, error: Error | undefined): void {
    const tell = (): void => {
      if (!peer.left && !this.#verdict.open) this.#accuse(peer, 'broken', error?.message ?? 'it ended');
    };
    if (this.#closing === undefined) setTimeout(tell, BROKEN_MS).unref();
  }

  #accuse(peer: Peer, fault: Culprit['fault'], message: string): void {
    if (this.#closing !== undefined) return;
    const { phase, step, age } = peer.pulse;
    const silence = performance.now() - peer.heard;
    const ms = fault === 'silent' ? silence : age + silence;
    void this.#tell({ rank: peer.rank, fault, phase, step, age: ms / 1000, message });
  }

  /** Passes it on to all, so that those who learn of it by somebody's end know whose fault it was. */
  async #tell(culprit: Culprit): Promise<void> {
    if (!this.#verdict.accuse(culprit)) return;
    const frame = encodeFrame(FRAME.culprit, culprit);
    await within(
      TELL_MS,
      this.#controls().map((lane) => new Promise<void>((told) => lane.write(frame, told))),
    );
  }

  #beat(): void {
    const frame = encodeFrame(FRAME.heartbeat, this.#pulse());
    for (const lane of this.#controls()) lane.write(frame);
  }

  #controls(): Lane[] {
    return this.#peers.flatMap(({ control, left }) => (control === undefined || left ? [] : [control]));
  }

  #tick(): void {
    const now = performance.now();
    const { silence, phases } = this.#deadlines;
    // This thread itself stood still: what it has not heard meanwhile says nothing of others.
    if (now - this.#ticked > silence / 2) for (const peer of this.#peers) peer.heard = now;
    this.#ticked = now;
    const moved = this.#peers.reduce((sum, { incoming, outgoing }) => sum + bytesOf(incoming) + bytesOf(outgoing), 0);
    if (moved !== this.#moved && this.#waiting) this.#progressed = now;
    this.#moved = moved;
    const own = this.#peers[this.rank]!;
    own.pulse = this.#pulse();
    own.heard = now;
    this.#beat();
    const present = this.#peers.filter((peer) => !peer.left && (peer === own || peer.control !== undefined));
    for (const peer of present) if (now - peer.heard > silence) this.#accuse(peer, 'silent', 'no heartbeat');
    const gone = this.#others().find(({ left }) => left);
    if (gone !== undefined && this.#waiting && now - this.#progressed > BROKEN_MS) this.#missed(gone);
    const over = present.filter(({ pulse: { phase, age } }) => phase !== 'join' && age > phases[phase]);
    const stuck = over.find(({ pulse }) => !pulse.waiting);
    if (stuck !== undefined) this.#accuse(stuck, 'stuck', '');
    else if (over.length > 0 && over.length === present.length) {
      const last = over.sort((a, b) => a.pulse.step - b.pulse.step || b.pulse.age - a.pulse.age)[0]!;
      this.#accuse(last, 'stuck', ', and all ranks wait for each other');
    }
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    this.#verdict.end(new ShardfeedError('SHARDFEED_ABORTED', `rank ${this.rank} has closed its group`));
    const bye = encodeFrame(FRAME.bye, {});
    for (const lane of this.#controls()) lane.write(bye);
    const lanes = this.#peers.flatMap(({ control, incoming, outgoing }) => [control, incoming, outgoing]);
    const open = lanes.filter((lane) => lane !== undefined);
    for (const lane of open) lane.drain();
    await within(
      BYE_MS,
      open.map((lane) => lane.closed),
    );
    for (const lane of open) lane.destroy();
  }
}

function bytesOf(lane: Lane | undefined): number {
  return lane === undefined ? 0 : lane.socket.bytesRead + lane.socket.bytesWritten;
}

/** Waits for all, but no longer. */
async function within(ms: number, waits: readonly Promise<unknown>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([Promise.all(waits), over]);
  clearTimeout(timer);
}
