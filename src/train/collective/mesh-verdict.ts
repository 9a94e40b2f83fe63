import { type ErrorCode, ShardfeedError } from '../../errors.js';
import { type Culprit, FAULTS } from './mesh.js';

/** Milliseconds in which ranks tell each other what they saw, so that all name the same rank. */
const GRACE_MS = 250;

const CODES: Partial<Record<Culprit['fault'], ErrorCode>> = {
  rendezvous: 'SHARDFEED_RENDEZVOUS',
  stuck: 'SHARDFEED_RANK_TIMEOUT',
  silent: 'SHARDFEED_RANK_TIMEOUT',
};

/**
 * Who is at fault when a job fails. What ranks see of one failure reaches each of them in another order, and one death leads to more; so
 * accusations are collected for a moment, and the one that all choose is no matter of time: by fault, then step, then rank.
 */
export class Verdict {
  readonly failure: Promise<never>;
  readonly #worldSize: number;
  readonly #accusations: Culprit[] = [];
  #reject!: (error: ShardfeedError) => void;
  #timer: NodeJS.Timeout | undefined;
  /** Whether `failure` has rejected. */
  settled = false;

  constructor(worldSize: number) {
    this.#worldSize = worldSize;
    this.failure = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.failure.catch(() => {});
  }

  /** Whether anybody is accused, or this has been ended. */
  get open(): boolean {
    return this.settled || this.#accusations.length > 0;
  }

  /** Whether that is news. */
  accuse(culprit: Culprit): boolean {
    if (this.settled || this.#accusations.some(({ rank, fault }) => rank === culprit.rank && fault === culprit.fault)) {
      return false;
    }
    this.#accusations.push(culprit);
    this.#timer ??= setTimeout(() => this.end(errorOf(this.#accusations.sort(before)[0]!, this.#worldSize)), GRACE_MS);
    return true;
  }

  /** Fails with the error, unless it has already. */
  end(error: ShardfeedError): void {
    clearTimeout(this.#timer);
    this.settled = true;
    this.#reject(error);
  }
}

function before(a: Culprit, b: Culprit): number {
  return FAULTS.indexOf(a.fault) - FAULTS.indexOf(b.fault) || a.step - b.step || a.rank - b.rank;
}

function errorOf(culprit: Culprit, worldSize: number): ShardfeedError {
  const { rank, fault, phase, step, age, message, stack, code } = culprit;
  const who = `rank ${rank} of ${worldSize}`;
  const where = `in phase ${phase}, step ${step}`;
  const said = stack === undefined ? message : `${message}\nthere: ${stack}`;
  const text: Readonly<Record<Culprit['fault'], string>> = {
    error: `${who} failed ${where}, ${seconds(age)} after its last progress: ${said}`,
    rendezvous: message,
    died: `${who} died ${where}, ${seconds(age)} after its last progress: ${message}; see its own log`,
    left: `${who} left the job ${where}: ${message}`,
    broken: `the connection to ${who} broke ${where}: ${message}`,
    stuck: `${who} is stuck ${where}: it has made no progress for ${seconds(age)}${message}; a longer deadline can be set for each phase`,
    silent: `${who} is silent: nothing was heard of it for ${seconds(age)}, last ${where}; it is stopped, or cut off`,
  };
  const own = code === 'SHARDFEED_COLLECTIVE' ? code : 'SHARDFEED_RANK_FAILED';
  return new ShardfeedError(CODES[fault] ?? own, text[fault], { cause: culprit });
}

function seconds(age: number): string {
  return `${age.toFixed(1)} s`;
}
