import { Command } from 'commander';
import { SOURCES, withExamples } from '../help.js';
import { names, wholeNumber } from '../parse-options.js';
import { type OnCorrupt, onCorruptOption, readOptions } from '../read-source.js';
import { recordTable } from '../record-table.js';
import type { Session } from '../session.js';

interface Options {
  records: number;
  columns?: string[];
  json?: true;
  onCorrupt: OnCorrupt;
}

export function headCommand(session: Session): Command {
  const { output } = session;
  return withExamples(new Command('head'), [
    ['shardfeed head data/titanic', 'the first 10 records as a table'],
    ['shardfeed head data/titanic -n 3 --json', 'the first 3, one JSON object a line'],
    ['shardfeed head part-00000.gz --columns age,fare', 'two features of a foreign file'],
  ])
    .description('Show the first records of a dataset or of TFRecord files.')
    .argument('<uri...>', SOURCES)
    .option('-n, --records <k>', 'how many', wholeNumber(0), 10)
    .option('--columns <names>', 'only these features', names)
    .addOption(onCorruptOption())
    .option('--json', 'print one JSON object a record: { feature: value or [values] }')
    .action(async (uris: string[], { records, columns, json, onCorrupt }: Options) => {
      const { readRecords } = await import('../../dataset/index.js');
      const { recordToJson } = await import('../../records/index.js');
      const wants = columns === undefined ? undefined : (name: string) => columns.includes(name);
      const lines: string[] = [];
      if (records > 0) {
        for await (const record of readRecords(uris, readOptions(session, onCorrupt))) {
          const text = recordToJson(record, wants);
          if (json) await output.line(text);
          else lines.push(text);
          if (--records === 0) break;
        }
      } else {
        await session.files.expand(uris, { signal: session.signal });
      }
      if (json) return;
      const width = process.stdout.isTTY ? { width: process.stdout.columns } : {};
      for (const line of recordTable(lines, width)) await output.line(line);
    });
}
