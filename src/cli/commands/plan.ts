import { Command, Option } from 'commander';
import type { OrderQuality, Plan, PlanOptions } from '../../dataset/index.js';
import { ShardfeedError } from '../../errors.js';
import { formatBytes, formatCount, plural } from '../format.js';
import { SOURCES, withExamples } from '../help.js';
import { names, wholeNumber } from '../parse-options.js';
import type { Session } from '../session.js';
import { tableLines } from '../table.js';

interface Options {
  workers: number;
  batchSize: number;
  mode: 'auto' | 'record' | 'file';
  tail: 'pad' | 'drop' | 'error';
  shuffle: 'none' | 'windows' | 'global';
  window?: number;
  block?: number;
  lanes?: number;
  seed: number;
  epoch: number;
  hosts?: string[];
  allowAmplification?: true;
  shuffleQuality?: true;
  json?: true;
}

const SHOWN_RANKS = 32;

export function planCommand({ output, files, signal, warn, exitWith }: Session): Command {
  return withExamples(new Command('plan'), [
    ['shardfeed plan data/titanic --workers 4 --batch-size 1024', 'who reads what, in how many steps'],
    ['shardfeed plan data/titanic --workers 3 --shuffle windows --json', 'the same, shuffled, as JSON'],
    ['shardfeed plan data/titanic --shuffle windows --shuffle-quality', 'how well that shuffle mixes sorted records'],
  ])
    .description('Show who reads what in an epoch, in how many steps, and what that costs. Nothing is read for it.')
    .argument('<uri...>', SOURCES)
    .option('--workers <m>', 'number of workers (world size)', wholeNumber(1), 1)
    .option('--batch-size <g>', 'rows of all workers in a step (global batch size)', wholeNumber(1), 1024)
    .addOption(new Option('--mode <mode>', 'what is shared out').choices(['auto', 'record', 'file']).default('auto'))
    .addOption(
      new Option('--tail <what>', 'what becomes of records that fill no batch')
        .choices(['pad', 'drop', 'error'])
        .default('pad'),
    )
    .addOption(new Option('--shuffle <how>', 'the order').choices(['none', 'windows', 'global']).default('none'))
    .option('--window <records>', 'with windows: records that are mixed with each other', wholeNumber(1))
    .option('--block <records>', 'with windows: neighbours that are read together', wholeNumber(1))
    .option('--lanes <l>', 'with windows: parts of the batch that are read apart', wholeNumber(1))
    .option('--seed <n>', 'of the shuffle', wholeNumber(Number.MIN_SAFE_INTEGER), 0)
    .option('--epoch <n>', 'from 0; each has an order of its own', wholeNumber(0), 0)
    .option('--hosts <names>', 'the host of each worker: they are given what lies there', names)
    .option('--allow-amplification', 'accept a plan that reads more than twice the bytes')
    .option('--shuffle-quality', 'how well the order mixes sorted records, beside a shuffle buffer')
    .option('--json', 'print one JSON object')
    .action(async (uris: string[], options: Options) => {
      const { MOST_AMPLIFICATION, openDataset, shuffleBuffer } = await import('../../dataset/index.js');
      await using dataset = await openDataset(uris, { files, signal });
      const { hosts } = options;
      const locality = hosts && (await dataset.locality(hosts, { signal }));
      const wanted: PlanOptions = {
        worldSize: options.workers,
        globalBatchSize: options.batchSize,
        mode: options.mode,
        tail: options.tail,
        ...shuffleOf(options),
        seed: options.seed,
        epoch: options.epoch,
        ...(locality && { locality }),
      };
      const plan = dataset.plan(wanted);
      const quality = options.shuffleQuality && {
        order: dataset.orderQuality(wanted),
        buffer: shuffleBuffer(plan.records, plan.order.kind === 'windows' ? plan.order.window : plan.records),
      };
      if (options.json) await output.json({ ...plan, quality, locality });
      else for (const line of planLines(plan, quality)) await output.line(line);
      if (plan.amplification > MOST_AMPLIFICATION && options.allowAmplification !== true) {
        warn(`this plan reads ${plan.amplification.toFixed(1)} x the bytes; --allow-amplification accepts that`);
        exitWith(1);
      }
    });
}

function shuffleOf({ shuffle, window, block, lanes }: Options): Pick<PlanOptions, 'shuffle' | 'lanes'> {
  if (shuffle !== 'windows' && (window ?? block ?? lanes) !== undefined) {
    throw new ShardfeedError('SHARDFEED_USAGE', '--window, --block and --lanes belong to --shuffle windows');
  }
  if (shuffle === 'none') return { shuffle: false };
  if (shuffle === 'global') return { shuffle };
  return {
    shuffle: { ...(window && { window }), ...(block && { block }) },
    ...(lanes && { lanes }),
  };
}

function* planLines(plan: Plan, quality?: { order: OrderQuality; buffer: OrderQuality }): Generator<string> {
  const local = plan.ranks.some(({ localBytes }) => localBytes !== undefined);
  const right = { align: 'right' } as const;
  const columns = [
    { title: 'rank', ...right },
    { title: 'rows/step', ...right },
    { title: 'records', ...right },
    { title: 'files', ...right },
    { title: 'ranges', ...right },
    { title: 'bytes read', ...right },
    ...(local ? [{ title: 'local', ...right }] : []),
  ];
  const rows = plan.ranks
    .slice(0, SHOWN_RANKS)
    .map(({ rank, rowsPerStep, records, files, ranges, bytes, localBytes }) => [
      String(rank),
      formatCount(rowsPerStep),
      formatCount(records),
      formatCount(files),
      formatCount(ranges),
      formatBytes(bytes),
      localBytes === undefined ? '' : `${bytes === 0 ? 100 : Math.round((100 * localBytes) / bytes)} %`,
    ]);
  yield* tableLines(columns, rows);
  if (plan.ranks.length > SHOWN_RANKS) yield `(${plan.ranks.length - SHOWN_RANKS} more ranks: --json lists them)`;
  yield '';
  yield `mode ${plan.mode}: ${plan.why}`;
  const rest = [
    ...(plan.padded > 0 ? [`${plural(plan.padded, 'row')} of padding`] : []),
    ...(plan.dropped > 0 ? [`${plural(plan.dropped, 'record')} dropped`] : []),
  ];
  yield `${plural(plan.records, 'record')} in ${plural(plan.files, 'file')}: ${plural(plan.steps, 'step')} of ${formatCount(
    plan.globalBatchSize,
  )} rows for every rank${rest.length > 0 ? `, ${rest.join(', ')}` : ''}`;
  yield orderLine(plan);
  if (quality !== undefined) {
    yield 'sorted records, in this order and through a shuffle buffer as large as its window:';
    yield `  lag-1 autocorrelation of labels ${quality.order.autocorrelation.toFixed(3)} and ${quality.buffer.autocorrelation.toFixed(3)} (0 is best)`;
    yield `  median displacement ${percent(quality.order.displacement)} and ${percent(quality.buffer.displacement)} of the dataset (29 % is best)`;
  }
  for (const note of plan.notes) yield `note: ${note}`;
  yield `plan ${plan.hash.slice(0, 16)}`;
}

function orderLine({ order, seed, epoch }: Plan): string {
  if (order.kind === 'sequential') return "order: the dataset's own";
  const by = `seed ${seed}, epoch ${epoch}`;
  if (order.kind === 'global') return `order: a permutation of all records, ${by}`;
  const { lanes, window, block } = order;
  return `order: blocks of ${formatCount(block)} records, mixed in windows of ${formatCount(window)}, ${plural(lanes, 'lane')}, ${by}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
