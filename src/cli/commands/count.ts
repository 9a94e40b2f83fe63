import { Command } from 'commander';
import { formatBytes } from '../format.js';
import { SOURCES, withExamples } from '../help.js';
import type { Session } from '../session.js';
import { tableLines } from '../table.js';

interface Options {
  scan?: true;
  parts?: true;
  json?: true;
}

export function countCommand({ output, files, signal }: Session): Command {
  return withExamples(new Command('count'), [
    ['shardfeed count data/titanic', 'prints the number of records'],
    ["shardfeed count 'logs/part-*.gz' --parts", 'and that of each file'],
  ])
    .description('Count records: from manifest or index where there is one, else by their headers.')
    .argument('<uri...>', SOURCES)
    .option('--scan', 'count the records themselves, whatever manifest and index say')
    .option('--parts', 'list each file')
    .option('--json', 'print one JSON object: { records, bytes, parts }')
    .action(async (uris: string[], options: Options) => {
      const { countRecords } = await import('../../dataset/index.js');
      const count = await countRecords(uris, { files, signal, scan: options.scan ?? false });
      if (options.json) return output.json(count);
      if (options.parts) {
        const columns = [
          { title: 'records', align: 'right' },
          { title: 'bytes', align: 'right' },
          { title: 'file' },
        ] as const;
        const rows = count.parts.map(({ path, records, bytes }) => [String(records), formatBytes(bytes), path]);
        for (const line of tableLines(columns, rows, { cellWidth: 500 })) await output.line(line);
      }
      await output.line(String(count.records));
    });
}
