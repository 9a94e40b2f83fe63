import { Command } from 'commander';
import type { LaunchEvent, LaunchOptions } from '../../launch/index.js';
import { plural } from '../format.js';
import { withExamples } from '../help.js';
import { wholeNumber } from '../parse-options.js';
import type { Session } from '../session.js';
import { TrainDisplay } from '../train-display.js';

interface Options {
  workers: number;
  minWorkers?: number;
  maxRestarts: number;
  logDir?: string;
  grace: number;
  json?: true;
}

export function trainCommand({ output, signal, exitWith }: Session): Command {
  return withExamples(new Command('train'), [
    ['shardfeed train train.js --workers 2', 'two processes here, which train one model'],
    ['shardfeed train train.ts --workers 4 --log-dir logs -- --epochs 3', 'arguments for the script, a log per rank'],
    ['shardfeed train train.js --workers 4 --min-workers 2 --max-restarts 10', 'goes on with fewer, if need be'],
  ])
    .description('Run a training script in several processes of this machine, and start it again when one fails.')
    .argument('<script>', 'JavaScript, or TypeScript where Node or tsx runs it')
    .argument('[args...]', "the script's own, behind --")
    .option('--workers <m>', 'number of workers (world size)', wholeNumber(1), 1)
    .option(
      '--min-workers <m>',
      'go on with one less each time it fails again from the same step (default: as --workers)',
      wholeNumber(1),
    )
    .option('--max-restarts <n>', 'start again after a failure, from the last checkpoint', wholeNumber(0), 3)
    .option('--log-dir <folder>', "keep each rank's output in a file")
    .option(
      '--grace <seconds>',
      'time to save and leave at SIGTERM or Ctrl-C; a second one ends at once',
      wholeNumber(0),
      120,
    )
    .option(
      '--json',
      'print events as JSON lines: { type: start | output | phase | report | exit | failed | restart | end, ... }',
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 trained, 75 stopped with a checkpoint, 130 or 143 without one, else that of the worker that failed first.',
    )
    .action(async (script: string, args: string[], options: Options) => {
      const { launchLocal } = await import('../../launch/index.js');
      const display = new TrainDisplay(process.stderr);
      const say = (value: object): void => void output.write(`${JSON.stringify(value)}\n`).then(() => output.flush());
      const shown = {
        onEvent: (event: LaunchEvent) => display.event(event),
        onLine: async (rank, stream, line) => {
          const text = Buffer.concat([Buffer.from(`[${rank}] `), line, Buffer.from('\n')]);
          display.clear();
          if (stream === 'stderr') process.stderr.write(text);
          else {
            await output.write(text);
            await output.flush();
          }
        },
      } satisfies Partial<LaunchOptions>;
      const events = {
        onEvent: say,
        onLine: (rank, stream, line) => say({ type: 'output', rank, stream, line: Buffer.from(line).toString() }),
      } satisfies Partial<LaunchOptions>;
      const { json, ...rest } = options;
      const ended = await launchLocal({ script, args, ...rest, stop: signal, ...(json ? events : shown) });
      display.clear();
      const { exitCode, attempts } = ended;
      if (exitCode !== 0) exitWith(exitCode);
      if (json) return say({ type: 'end', ...ended });
      if (signal.aborted) process.stderr.write(`shardfeed: ${(signal.reason as Error).message}\n`);
      if (exitCode !== 0)
        process.stderr.write(`shardfeed: exit code ${exitCode} after ${plural(attempts, 'attempt')}\n`);
    });
}
