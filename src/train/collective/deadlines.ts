import { ShardfeedError } from '../../errors.js';
import type { Deadlines, Phase } from './process-group.js';

/** Milliseconds, each of them set. */
export interface DeadlineTable {
  readonly silence: number;
  readonly phases: Readonly<Record<Phase, number>>;
}

const DEFAULTS: Required<Deadlines> = {
  join: 300,
  silence: 10,
  step: 120,
  load: 3600,
  firstStep: 600,
  checkpoint: 1800,
  evaluate: 3600,
};
const LEAST_SECONDS = 0.1;

/** @throws SHARDFEED_USAGE for one that is no number of seconds, or below 0.1 */
export function deadlineTable(deadlines: Deadlines = {}): DeadlineTable {
  for (const [name, seconds] of Object.entries(deadlines)) {
    if (seconds === undefined) continue;
    if (!Object.hasOwn(DEFAULTS, name)) {
      const known = Object.keys(DEFAULTS).join(', ');
      throw new ShardfeedError('SHARDFEED_USAGE', `there is no deadline ${JSON.stringify(name)}: there are ${known}`);
    }
    if (!(seconds >= LEAST_SECONDS)) {
      throw new ShardfeedError(
        'SHARDFEED_USAGE',
        `the deadline ${name} is in seconds, at least ${LEAST_SECONDS}, not ${seconds}`,
      );
    }
  }
  const ms = (name: keyof Deadlines): number => (deadlines[name] ?? DEFAULTS[name]) * 1000;
  return {
    silence: ms('silence'),
    phases: {
      join: ms('join'),
      load: ms('load'),
      'first-step': ms('firstStep'),
      step: ms('step'),
      checkpoint: ms('checkpoint'),
      evaluate: ms('evaluate'),
    },
  };
}
