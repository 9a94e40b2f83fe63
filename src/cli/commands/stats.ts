import { Command } from 'commander';
import type { FeatureStatistics } from '../../dataset/index.js';
import { formatCount, formatNumber, plural } from '../format.js';
import { SOURCES, withExamples } from '../help.js';
import { type OnCorrupt, onCorruptOption, readOptions } from '../read-source.js';
import { cellText } from '../record-table.js';
import type { Session } from '../session.js';
import { tableLines } from '../table.js';

interface Options {
  recompute?: true;
  json?: true;
  onCorrupt: OnCorrupt;
}

const COLUMNS = [
  { title: 'feature' },
  { title: 'kind' },
  { title: 'missing', align: 'right' },
  { title: 'distinct', align: 'right' },
  { title: 'mean', align: 'right' },
  { title: 'std', align: 'right' },
  { title: 'min', align: 'right' },
  { title: 'median', align: 'right' },
  { title: 'max', align: 'right' },
  { title: 'most frequent' },
] as const;
const TOP = 3;

export function statsCommand(session: Session): Command {
  const { output } = session;
  return withExamples(new Command('stats'), [
    ['shardfeed stats data/titanic', 'a line for each feature'],
    ['shardfeed stats foreign.tfrecord.gz --json', 'with quantiles and top values'],
  ])
    .description("Show statistics of a dataset: the manifest's, else computed in one pass.")
    .argument('<uri...>', SOURCES)
    .option('--recompute', 'read the records even where the manifest has statistics')
    .addOption(onCorruptOption())
    .option('--json', 'print one JSON object: { records, features: [...] }')
    .action(async (uris: string[], { recompute, json, onCorrupt }: Options) => {
      const { collectStatistics } = await import('../../dataset/index.js');
      const { statistics } = await collectStatistics(uris, {
        ...readOptions(session, onCorrupt),
        recompute: recompute ?? false,
      });
      if (json) return output.json(statistics);
      const rows = statistics.features.map(featureRow);
      const width = process.stdout.isTTY ? { width: process.stdout.columns } : {};
      for (const line of tableLines(COLUMNS, rows, width)) await output.line(line);
      await output.line(plural(statistics.records, 'record'));
    });
}

function featureRow(feature: FeatureStatistics): string[] {
  const { name, kind, missing, distinct, distinctExact, mean, std, min, max, quantiles, top, lists } = feature;
  const number = (value: unknown): string =>
    typeof value === 'number' || typeof value === 'string' ? formatNumber(value) : '';
  const some = top.slice(0, TOP).map(({ value, count }) => `${cellText(value)} (${formatCount(count)})`);
  return [
    name,
    lists === undefined ? kind : `${kind}[]`,
    formatCount(missing),
    `${distinctExact ? '' : '~'}${formatCount(Math.round(distinct))}`,
    number(mean),
    number(std),
    number(min),
    number(quantiles?.['0.5']),
    number(max),
    // Where no value comes twice, none is more frequent than another.
    (top[0]?.count ?? 0) > 1 ? some.join(', ') : '',
  ];
}
