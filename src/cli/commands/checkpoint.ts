import { Command } from 'commander';
import { ShardfeedError } from '../../errors.js';
import type { ListedCheckpoint } from '../../train/checkpoint/index.js';
import { formatBytes, formatNumber, plural } from '../format.js';
import { withExamples } from '../help.js';
import type { Session } from '../session.js';
import { printable, type TableColumn, tableLines } from '../table.js';

const CORRUPT = 3;
const FOLDER = "a training's folder of checkpoints: a path or URI";
const JSON_HELP = 'print one JSON object: { checkpoints: [{ path, step, bytes, info, problem }] }';

interface Options {
  json?: true;
}

export function checkpointCommand({ output, files, signal, exitWith }: Session): Command {
  const command = withExamples(new Command('checkpoint'), [
    ['shardfeed checkpoint ls checkpoints', 'step, epoch, size and metrics of each, newest first'],
    ['shardfeed checkpoint verify hdfs://nn/checkpoints', 'reads every byte; exit code 3 where one is damaged'],
  ]).description('Look at the checkpoints of a training.');
  command
    .command('ls')
    .description('List the checkpoints of a folder.')
    .argument('<uri>', FOLDER)
    .option('--json', JSON_HELP)
    .action(async (uri: string, { json }: Options) => {
      const { listCheckpoints } = await import('../../train/checkpoint/index.js');
      const checkpoints = some(await listCheckpoints(uri, { files, signal }), uri);
      if (json) return output.json({ checkpoints });
      await show(checkpoints);
    });
  command
    .command('verify')
    .description('Read the checkpoints of a folder from start to end, and check their digests.')
    .argument('<uri>', FOLDER)
    .option('--json', JSON_HELP)
    .action(async (uri: string, { json }: Options) => {
      const { verifyCheckpoints } = await import('../../train/checkpoint/index.js');
      const checkpoints = some(await verifyCheckpoints(uri, { files, signal }), uri);
      const damaged = checkpoints.filter(({ problem }) => problem !== undefined);
      if (damaged.length > 0) exitWith(CORRUPT);
      if (json) return output.json({ checkpoints });
      for (const { problem } of damaged) await output.line(printable(problem ?? ''));
      const whole = plural(checkpoints.length - damaged.length, 'whole checkpoint');
      await output.line(damaged.length === 0 ? `ok: ${whole}` : `damaged: ${whole}, ${damaged.length} damaged`);
    });
  return command;

  async function show(checkpoints: readonly ListedCheckpoint[]): Promise<void> {
    const rows = checkpoints.map((checkpoint) => COLUMNS.map(({ text }) => text(checkpoint)));
    for (const line of tableLines(COLUMNS, rows, { cellWidth: 500 })) await output.line(line);
  }
}

function some(checkpoints: ListedCheckpoint[], uri: string): ListedCheckpoint[] {
  if (checkpoints.length > 0) return checkpoints;
  throw new ShardfeedError('SHARDFEED_NOT_FOUND', `there are no checkpoints in ${uri}`, { path: uri });
}

const COLUMNS: readonly (TableColumn & { text(checkpoint: ListedCheckpoint): string })[] = [
  { title: 'step', align: 'right', text: ({ step }) => String(step) },
  { title: 'epoch', align: 'right', text: ({ info }) => String(info?.epoch ?? '') },
  { title: 'bytes', align: 'right', text: ({ bytes }) => formatBytes(bytes) },
  { title: 'ranks', align: 'right', text: ({ info }) => String(info?.worldSize ?? '') },
  { title: 'saved (UTC)', text: ({ info }) => timeText(info?.savedAt) },
  { title: 'metrics', text: ({ info, problem }) => (problem === undefined ? metricsText(info?.metrics) : 'DAMAGED') },
  { title: 'path', text: ({ path }) => path },
];

function timeText(savedAt: number | undefined): string {
  return savedAt === undefined ? '' : new Date(savedAt).toISOString().slice(0, 19).replace('T', ' ');
}

function metricsText(metrics: Readonly<Record<string, number>> = {}): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${formatNumber(value)}`)
    .join(', ');
}
