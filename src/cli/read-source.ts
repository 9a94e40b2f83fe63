import { Option } from 'commander';
import type { Loss } from '../records/index.js';
import { describeLoss } from './describe-loss.js';
import type { Session } from './session.js';

export type OnCorrupt = 'error' | 'skip';

export function onCorruptOption(): Option {
  return new Option('--on-corrupt <what>', 'what to do about corrupt records; skipped ones are listed on stderr')
    .choices(['error', 'skip'])
    .default('error');
}

/** Reading options of a command: corrupt records end it, or are listed on stderr and skipped. */
export function readOptions({ files, signal, progress }: Session, onCorrupt: OnCorrupt) {
  const onLoss = (loss: Loss): void => {
    progress.clear();
    process.stderr.write(`shardfeed: skipped: ${describeLoss(loss)}\n`);
  };
  return { files, signal, policy: onCorrupt, onLoss };
}
