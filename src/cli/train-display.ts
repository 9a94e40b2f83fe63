import type { Culprit, LaunchEvent } from '../launch/index.js';
import { formatBytes, formatCount, formatNumber, formatSeconds, plural } from './format.js';
import type { Terminal } from './progress.js';
import { printable, type TableColumn, tableLines } from './table.js';

const REDRAW_MS = 200;
const LINE_MS = 10_000;
const SHOWN_RANKS = 16;

/** What is known of a rank: the last of its reports and phases. */
interface RankState {
  phase?: string;
  step?: number;
  epoch?: number;
  loss?: number;
  recordsPerSecond?: number;
  waitMs?: number;
  allReduceMs?: number;
  allReduceBytes?: number;
}

/** How a training is doing: a table below the output on a terminal, else a line from time to time; and what went wrong. */
export class TrainDisplay {
  readonly #stream: Terminal;
  #ranks: RankState[] = [];
  /** Lines of the table that stand on the terminal. */
  #shown = 0;
  #nextMs = 0;

  constructor(stream: Terminal) {
    this.#stream = stream;
  }

  event(event: LaunchEvent): void {
    if (event.type === 'start') {
      this.#ranks = Array.from({ length: event.workers }, () => ({ phase: 'start' }));
      this.#say(`attempt ${event.attempt}: ${plural(event.workers, 'worker')}`);
    } else if (event.type === 'failed') {
      this.#say(describeCulprit(event.culprit));
      if (event.final !== undefined) this.#say(`not started again: ${event.final}`);
    } else if (event.type === 'restart') {
      this.#say(`starts again with ${plural(event.workers, 'worker')} in ${formatSeconds(event.pauseMs / 1000)}`);
    } else this.#note(event);
  }

  /** Takes the table away, before anything else is printed. */
  clear(): void {
    if (this.#shown > 0) this.#stream.write(`\x1b[${this.#shown}A\r\x1b[J`);
    this.#shown = 0;
  }

  #note(event: Extract<LaunchEvent, { rank: number }>): void {
    const state = this.#ranks[event.rank];
    if (state === undefined) return;
    if (event.type === 'exit') state.phase = event.code === 0 ? 'done' : `ended (${event.signal ?? event.code})`;
    else if (event.type === 'done' || event.type === 'joined') state.phase = event.type;
    else Object.assign(state, event);
    const now = performance.now();
    if (now < this.#nextMs) return;
    if (this.#stream.isTTY === true) this.#draw();
    else if (event.type === 'report') this.#say(progressLine(this.#ranks));
    else return;
    this.#nextMs = now + (this.#stream.isTTY === true ? REDRAW_MS : LINE_MS);
  }

  #draw(): void {
    this.clear();
    const rows = this.#ranks.map((state, rank) => [String(rank), ...COLUMNS.map(({ text }) => text(state))]);
    const columns: TableColumn[] = [{ title: 'rank', align: 'right' }, ...COLUMNS];
    const width = Math.max(20, (this.#stream.columns ?? 80) - 1);
    const lines = tableLines(columns, rows.slice(0, SHOWN_RANKS), { width });
    this.#stream.write(`${lines.join('\n')}\n`);
    this.#shown = lines.length;
  }

  #say(text: string): void {
    this.clear();
    this.#stream.write(`shardfeed: ${text}\n`);
  }
}

const COLUMNS: readonly (TableColumn & { text(state: RankState): string })[] = [
  { title: 'phase', text: ({ phase }) => phase ?? '' },
  { title: 'step', align: 'right', text: ({ step }) => countText(step) },
  { title: 'epoch', align: 'right', text: ({ epoch }) => countText(epoch) },
  { title: 'loss', align: 'right', text: ({ loss }) => (loss === undefined ? '' : formatNumber(loss)) },
  { title: 'records/s', align: 'right', text: ({ recordsPerSecond: rate }) => countText(rate) },
  { title: 'wait', align: 'right', text: ({ waitMs }) => millisText(waitMs) },
  { title: 'allreduce', align: 'right', text: ({ allReduceMs }) => millisText(allReduceMs) },
  { title: 'bandwidth', align: 'right', text: bandwidthText },
];

/** The ranks' reports as one line: where the first one is, and the rate of all. */
export function progressLine(ranks: readonly RankState[]): string {
  const first = ranks.find(({ loss }) => loss !== undefined) ?? ranks[0] ?? {};
  const rate = ranks.reduce((sum, { recordsPerSecond = 0 }) => sum + recordsPerSecond, 0);
  const parts = [
    ['step', countText(first.step)],
    ['epoch', countText(first.epoch)],
    ['loss', first.loss === undefined ? '' : formatNumber(first.loss)],
    ['records/s', rate > 0 ? countText(rate) : ''],
    ['wait', millisText(first.waitMs)],
    ['allreduce', [millisText(first.allReduceMs), bandwidthText(first)].filter((text) => text !== '').join(' at ')],
  ];
  return parts.flatMap(([name, text]) => (text === '' ? [] : [`${name} ${text}`])).join(', ');
}

/** Who failed first, where, and with which stack. */
export function describeCulprit({ rank, message, phase, step, age, stack }: Culprit): string {
  const where = [
    phase && `in phase ${phase}`,
    step !== undefined && `at step ${step}`,
    age !== undefined && `after ${formatSeconds(age)}`,
  ].filter((part) => part);
  const head = `rank ${rank} failed first${where.length > 0 ? `, ${where.join(' ')}` : ''}: ${printable(message)}`;
  if (stack === undefined) return head;
  return [head, ...stack.split('\n').map((line) => `    ${printable(line)}`)].join('\n');
}

function countText(count: number | undefined): string {
  return count === undefined ? '' : formatCount(Math.round(count));
}

function millisText(ms: number | undefined): string {
  return ms === undefined ? '' : `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`;
}

function bandwidthText({ allReduceMs = 0, allReduceBytes = 0 }: RankState): string {
  return allReduceMs > 0 && allReduceBytes > 0 ? `${formatBytes((1000 * allReduceBytes) / allReduceMs)}/s` : '';
}
