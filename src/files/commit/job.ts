import { hostname } from 'node:os';
import { isShardfeedError, ShardfeedError, throwIfAborted } from '../../errors.js';
import { putFile } from '../attempts.js';
import { displayPath } from '../display-path.js';
import type { CallOptions, CreateOptions, FileSystem } from '../file-system.js';
import type { Location } from '../files.js';
import { joinPath, normalizePath, parentPath } from '../paths.js';
import { statIfThere } from '../stat-if-there.js';
import { checkJobId, DATA, HEARTBEAT_FILE, JOB_FILE, jobFolder, oldPath, READY_FILE } from './names.js';
import { newJobId } from './owner.js';
import { cleanUp, recover } from './recover.js';
import { checkReplaceable, type TargetKind } from './replaceable.js';
import { deleteJob, findSiblings, isExpired, TIMING, type Timing } from './siblings.js';

export interface JobOptions {
  /** Replace what is there. Default false. */
  overwrite?: boolean;
  /** Letters and digits. Default: random. */
  jobId?: string;
  signal?: AbortSignal;
}

const MOST_ROUNDS = 10;
const LAST_BEAT_MS = 5_000;

/** A job that writes one target: its folder, its heartbeat, and the renames that make its data the target. */
export class Job {
  readonly jobId: string;
  readonly fs: FileSystem;
  readonly target: string;
  /** Where the new file or folder is written. */
  readonly data: string;
  readonly #kind: TargetKind;
  readonly #folder: string;
  readonly #overwrite: boolean;
  /** The caller's signal; clean-up goes on without it. */
  readonly call: CallOptions;
  /** The first parent of the target that did not exist. */
  readonly #madeParent: string | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #beating: Promise<void> = Promise.resolve();
  /** Breaks a heartbeat off that takes too long when the job ends. */
  readonly #ending = new AbortController();
  #lost = false;

  /**
   * Takes the target: rolls interrupted jobs forward or back, cleans up behind expired ones, and makes the job's folder.
   * @throws SHARDFEED_EXISTS, SHARDFEED_BUSY, and what the file system says
   */
  static async begin(
    { fs, path }: Location,
    kind: TargetKind,
    options: JobOptions = {},
    timing: Timing = TIMING,
  ): Promise<Job> {
    const target = normalizePath(path);
    throwIfAborted(options.signal, target);
    if (target === '/')
      throw new ShardfeedError('SHARDFEED_USAGE', 'the root folder cannot be written', { path: target });
    await recover({ fs, path: target });
    try {
      await checkReplaceable(fs, target, kind, options.overwrite ?? false);
    } catch (error) {
      // A job may have died just behind its last rename. Without a file of our own the file system's clock is not known.
      const certain = { ...timing, expiryMs: Number.POSITIVE_INFINITY };
      await cleanUp(fs, target, { nowMs: 0, timing: certain }).catch(() => undefined);
      throw error;
    }
    const job = new Job(fs, target, kind, options, await firstMissing(fs, parentPath(target)));
    try {
      await job.#start(timing);
    } catch (error) {
      await job.discard().catch(() => undefined);
      throw error;
    }
    return job;
  }

  private constructor(fs: FileSystem, target: string, kind: TargetKind, options: JobOptions, madeParent?: string) {
    this.jobId = checkJobId(options.jobId ?? newJobId());
    this.fs = fs;
    this.target = target;
    this.#kind = kind;
    this.#folder = jobFolder(target, this.jobId);
    this.data = joinPath(this.#folder, DATA);
    this.#overwrite = options.overwrite ?? false;
    this.call = { signal: options.signal };
    this.#madeParent = madeParent;
  }

  async #start(timing: Timing): Promise<void> {
    const { fs } = this;
    const jobFile = joinPath(this.#folder, JOB_FILE);
    await this.#put(jobFile, JSON.stringify({ jobId: this.jobId, host: hostname(), pid: process.pid }));
    const { mtimeMs: now } = await fs.stat(jobFile);
    await cleanUp(fs, this.target, { jobId: this.jobId, nowMs: now, timing });
    await this.#checkAlone(now, timing);
    await this.#put(joinPath(this.#folder, HEARTBEAT_FILE), '', { overwrite: true });
    this.#heartbeat = setInterval(() => {
      this.#beating = this.#beat();
    }, timing.heartbeatMs);
    this.#heartbeat.unref();
  }

  /**
   * Of jobs that begin at once the earliest goes on; one that has begun keeps the target from all others. This spares
   * work that would be lost: should two miss each other, the rename decides.
   * @throws SHARDFEED_BUSY
   */
  async #checkAlone(now: number, timing: Timing): Promise<void> {
    const { jobs } = await findSiblings(this.fs, this.target);
    for (const other of jobs) {
      if (other.jobId === this.jobId || other.beganMs === undefined || isExpired(other, now, timing)) continue;
      const first = other.beganMs < now || (other.beganMs === now && other.jobId < this.jobId);
      if ((!other.established && !first) || now - other.seenMs >= timing.busyMs) continue;
      throw new ShardfeedError(
        'SHARDFEED_BUSY',
        `${this.#display(this.target)} is being written by another job: wait for it, or write elsewhere (${this.#display(other.folder)} says who)`,
        { path: this.target },
      );
    }
  }

  /** A failed heartbeat is no failure: the next may succeed, and what is wrong will show where it matters. */
  async #beat(): Promise<void> {
    const { signal } = this.#ending;
    try {
      // `create` would bring a folder back that another job has cleaned away.
      this.#lost ||= (await statIfThere(this.fs, joinPath(this.#folder, JOB_FILE), { signal })) === undefined;
      if (!this.#lost) await this.#put(joinPath(this.#folder, HEARTBEAT_FILE), '', { overwrite: true, signal });
    } catch {}
  }

  /** @throws SHARDFEED_ABORTED, or SHARDFEED_IO where this job's folder was cleaned away */
  check(): void {
    throwIfAborted(this.call.signal, this.target);
    if (!this.#lost) return;
    throw new ShardfeedError(
      'SHARDFEED_IO',
      `the folder of this job (${this.#display(this.#folder)}) was deleted, as it had shown no life for ten minutes: run it again`,
      { path: this.target },
    );
  }

  /**
   * Makes `data`, whole and durable, the target. Returns what could not be deleted afterwards.
   * @throws SHARDFEED_EXISTS where another job was quicker; the old target is in its place then
   */
  async publish(): Promise<string[]> {
    this.check();
    if ((await statIfThere(this.fs, joinPath(this.#folder, JOB_FILE))) === undefined) {
      this.#lost = true;
      this.check();
    }
    await checkReplaceable(this.fs, this.target, this.#kind, this.#overwrite);
    await this.#put(joinPath(this.#folder, READY_FILE), '');
    this.check();
    const olds = await this.#takeName();
    return this.#cleanUp(olds);
  }

  /** Gives the job up and deletes what it wrote, with the parents that it made. */
  async discard(): Promise<void> {
    await this.#stopHeartbeat();
    await deleteJob(this.fs, this.#folder);
    if (this.#madeParent === undefined) return;
    for (let parent = parentPath(this.target); ; parent = parentPath(parent)) {
      // Another job may have begun to use it.
      await this.fs.delete(parent, { recursive: false }).catch(() => undefined);
      if (parent === this.#madeParent || parent === '/') return;
    }
  }

  /** Renames until the name is ours; returns what had to make way. */
  async #takeName(): Promise<string[]> {
    const { fs, target } = this;
    if (this.#overwrite && this.#kind === 'file' && fs.replaceFile !== undefined) {
      try {
        await fs.replaceFile(this.data, target);
        return [];
      } catch (error) {
        if (!isShardfeedError(error, 'SHARDFEED_UNSUPPORTED')) throw error;
      }
    }
    const olds: string[] = [];
    try {
      for (let round = 0; ; round++) {
        try {
          await fs.rename(this.data, target);
          return olds;
        } catch (error) {
          if (isShardfeedError(error, 'SHARDFEED_NOT_FOUND') && (await this.#wasRolledForward())) return olds;
          if (!isShardfeedError(error, 'SHARDFEED_EXISTS') || !this.#overwrite || round === MOST_ROUNDS) throw error;
        }
        const old = oldPath(target, this.jobId, round);
        if (await this.#moveAway(old)) olds.push(old);
      }
    } catch (error) {
      await this.#rollBack(olds, error);
      throw error;
    }
  }

  /** Whether a reader has given our data its name. A job that was cleaned away has no job file. */
  async #wasRolledForward(): Promise<boolean> {
    const data = await statIfThere(this.fs, this.data);
    return data === undefined && (await statIfThere(this.fs, joinPath(this.#folder, JOB_FILE))) !== undefined;
  }

  /** False where the target has gone meanwhile. */
  async #moveAway(old: string): Promise<boolean> {
    try {
      await this.fs.rename(this.target, old);
      return true;
    } catch (error) {
      if (isShardfeedError(error, 'SHARDFEED_NOT_FOUND')) return false;
      throw error;
    }
  }

  async #rollBack(olds: readonly string[], cause: unknown): Promise<void> {
    const old = olds.at(-1);
    if (old === undefined) return;
    try {
      await this.fs.rename(old, this.target);
    } catch (error) {
      if (isShardfeedError(error, 'SHARDFEED_EXISTS')) return;
      const what = `${this.#display(this.target)} could not be replaced, and the old one lies at ${this.#display(old)}`;
      throw new ShardfeedError('SHARDFEED_IO', what, { path: this.target, cause });
    }
  }

  /** The target is in place whatever happens here. */
  async #cleanUp(olds: readonly string[]): Promise<string[]> {
    await this.#stopHeartbeat();
    const left: string[] = [];
    for (const old of olds) await this.fs.delete(old).catch(() => left.push(old));
    await deleteJob(this.fs, this.#folder).catch(() => left.push(this.#folder));
    return left;
  }

  async #stopHeartbeat(): Promise<void> {
    clearInterval(this.#heartbeat);
    const timer = setTimeout(() => this.#ending.abort(), LAST_BEAT_MS);
    await this.#beating;
    clearTimeout(timer);
  }

  #display(path: string): string {
    return displayPath({ fs: this.fs, path });
  }

  #put(path: string, content: string, options: CreateOptions = {}): Promise<void> {
    return putFile(this.fs, path, content, options);
  }
}

async function firstMissing(fs: FileSystem, folder: string): Promise<string | undefined> {
  let missing: string | undefined;
  for (let path = folder; path !== '/'; path = parentPath(path)) {
    if ((await statIfThere(fs, path)) !== undefined) break;
    missing = path;
  }
  return missing;
}
