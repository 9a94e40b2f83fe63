import { Command } from 'commander';
import { formatBytes } from '../format.js';
import { withExamples } from '../help.js';
import type { Session } from '../session.js';
import { tableLines } from '../table.js';

interface Options {
  json?: true;
}

export function lsCommand({ output, files, signal }: Session): Command {
  return withExamples(new Command('ls'), [
    ['shardfeed ls data', 'what lies in a folder, and how many records its datasets have'],
    ["shardfeed ls 'data/titanic/part-*' --json", 'the parts of one, for machines'],
  ])
    .description('List files and folders, with sizes, and records where a manifest or index knows them.')
    .argument('<uri...>', 'files, folders or patterns: paths or URIs')
    .option('--json', 'print one JSON object: { entries: [{ path, type, bytes, mtimeMs, records }] }')
    .action(async (uris: string[], { json }: Options) => {
      const { listEntries } = await import('../../dataset/index.js');
      const entries = await listEntries(uris, { files, signal });
      if (json) return output.json({ entries });
      const columns = [
        { title: 'bytes', align: 'right' },
        { title: 'records', align: 'right' },
        { title: 'changed (UTC)' },
        { title: 'name' },
      ] as const;
      const rows = entries.map(({ path, type, bytes, mtimeMs, records }) => [
        type === 'folder' ? '' : formatBytes(bytes),
        records === undefined ? '' : String(records),
        new Date(mtimeMs).toISOString().slice(0, 19).replace('T', ' '),
        type === 'folder' ? `${path}/` : path,
      ]);
      for (const line of tableLines(columns, rows, { cellWidth: 500 })) await output.line(line);
    });
}
