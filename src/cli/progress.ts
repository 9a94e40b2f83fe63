import { formatBytes, formatCount, formatSeconds, plural } from './format.js';

const INTERVAL_MS = 200;

/** What is used of `process.stderr`. */
export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressState {
  readonly phase: string;
  readonly rows: number;
  readonly bytes: number;
  readonly totalBytes?: number;
  /** What `rows` counts. Default `row`. */
  readonly noun?: string;
}

/** One line on a terminal that says how far the work is; nothing where stderr is no terminal. */
export class Progress {
  readonly #stream: Terminal;
  #shown = false;
  #nextMs = 0;
  #phase = '';
  #startedMs = 0;

  constructor(stream: Terminal) {
    this.#stream = stream;
  }

  update(state: ProgressState): void {
    if (!this.#stream.isTTY) return;
    const now = performance.now();
    if (state.phase !== this.#phase) {
      this.#phase = state.phase;
      this.#startedMs = now;
    } else if (now < this.#nextMs) return;
    this.#nextMs = now + INTERVAL_MS;
    this.#show(progressLine(state, (now - this.#startedMs) / 1000));
  }

  /** Takes the line away, before anything else is printed. */
  clear(): void {
    if (this.#shown) this.#stream.write('\r\x1b[K');
    this.#shown = false;
  }

  #show(line: string): void {
    this.#stream.write(`\r\x1b[K${line.slice(0, Math.max(20, (this.#stream.columns ?? 80) - 1))}`);
    this.#shown = true;
  }
}

/** Rows, bytes, rate and, where the whole is known, time left. */
export function progressLine(state: ProgressState, seconds: number): string {
  const { phase, rows, bytes, totalBytes, noun = 'row' } = state;
  const parts = [`${phase}: ${plural(rows, noun)}`];
  const known = totalBytes !== undefined && totalBytes > 0;
  if (known)
    parts.push(`${formatBytes(bytes)} of ${formatBytes(totalBytes)} (${Math.floor((100 * bytes) / totalBytes)} %)`);
  else if (bytes > 0) parts.push(formatBytes(bytes));
  if (seconds >= 1) {
    parts.push(
      bytes > 0 ? `${formatBytes(bytes / seconds)}/s` : `${formatCount(Math.round(rows / seconds))} ${noun}s/s`,
    );
    if (known && bytes > 0) parts.push(`${formatSeconds((seconds * (totalBytes - bytes)) / bytes)} left`);
  }
  return parts.join(', ');
}
