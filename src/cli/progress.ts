import type { WriteStream } from 'node:tty';
import { formatBytes, formatCount, formatSeconds } from './format.js';

const INTERVAL_MS = 200;

export interface ProgressState {
  readonly phase: string;
  readonly rows: number;
  readonly bytes: number;
  readonly totalBytes?: number;
}

/** One line on a terminal that says how far the work is; nothing where stderr is no terminal. */
export class Progress {
  readonly #stream: WriteStream;
  #shown = false;
  #nextMs = 0;
  #phase = '';
  #startedMs = 0;

  constructor(stream: WriteStream) {
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
    this.#stream.write(`\r\x1b[K${line.slice(0, Math.max(20, this.#stream.columns - 1))}`);
    this.#shown = true;
  }
}

/** Rows, bytes, rate and, where the whole is known, time left. */
export function progressLine({ phase, rows, bytes, totalBytes }: ProgressState, seconds: number): string {
  const parts = [`${phase}: ${formatCount(rows)} rows`];
  const known = totalBytes !== undefined && totalBytes > 0;
  if (known)
    parts.push(`${formatBytes(bytes)} of ${formatBytes(totalBytes)} (${Math.floor((100 * bytes) / totalBytes)} %)`);
  else if (bytes > 0) parts.push(formatBytes(bytes));
  if (seconds >= 1) {
    parts.push(bytes > 0 ? `${formatBytes(bytes / seconds)}/s` : `${formatCount(Math.round(rows / seconds))} rows/s`);
    if (known && bytes > 0) parts.push(`${formatSeconds((seconds * (totalBytes - bytes)) / bytes)} left`);
  }
  return parts.join(', ');
}
