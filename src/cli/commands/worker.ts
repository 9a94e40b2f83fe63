import { Command } from 'commander';
import { withExamples } from '../help.js';
import { wholeNumber } from '../parse-options.js';
import type { Session } from '../session.js';

interface Options {
  rank?: number;
  worldSize?: number;
  master?: string;
  secretFile?: string;
  jobId?: string;
}

export function workerCommand({ signal, exitWith }: Session): Command {
  return withExamples(new Command('worker'), [
    ['torchrun --no-python --nproc-per-node 2 shardfeed worker train.js', 'rank and address from the environment'],
    ['mpirun -n 4 shardfeed worker train.js -- --epochs 3', 'the same under MPI'],
    ['shardfeed worker train.js --rank 1 --world-size 2 --master 10.0.0.5:29500 --secret-file s', 'by hand'],
  ])
    .description('Run one rank of a training that another system starts: torchrun, MPI, Kubernetes, a shell.')
    .argument('<script>', 'JavaScript, or TypeScript where Node or tsx runs it')
    .argument('[args...]', "the script's own, behind --")
    .option('--rank <r>', 'default: from the environment, as all of these', wholeNumber(0))
    .option('--world-size <m>', 'number of ranks', wholeNumber(1))
    .option('--master <host:port>', 'where rank 0 listens')
    .option('--secret-file <path>', 'what all ranks know and nobody else does')
    .option('--job-id <id>', 'the same for all ranks')
    .action(async (script: string, args: string[], options: Options) => {
      const { launchRank } = await import('../../launch/index.js');
      const exitCode = await launchRank({
        script,
        args,
        env: { ...process.env, ...environmentOf(options) },
        stop: signal,
      });
      if (exitCode !== 0) exitWith(exitCode);
    });
}

/** Options as the variables that they stand for. */
function environmentOf({ rank, worldSize, master, secretFile, jobId }: Options): Record<string, string> {
  const colon = master?.lastIndexOf(':') ?? -1;
  const given: Record<string, string | number | undefined> = {
    SHARDFEED_RANKS_FROM: rank === undefined ? undefined : 'torchrun',
    RANK: rank,
    WORLD_SIZE: worldSize,
    MASTER_ADDR: colon < 0 ? master : master?.slice(0, colon).replace(/^\[(.*)\]$/, '$1'),
    MASTER_PORT: colon < 0 ? undefined : master?.slice(colon + 1),
    SHARDFEED_SECRET_FILE: secretFile,
    SHARDFEED_JOB_ID: jobId,
  };
  const entries = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return Object.fromEntries(entries);
}
