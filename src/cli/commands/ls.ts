import { Command } from 'commander';
import type { ListedEntry } from '../../dataset/index.js';
import { formatBytes } from '../format.js';
import { withExamples } from '../help.js';
import type { Session } from '../session.js';
import { type TableColumn, tableLines } from '../table.js';

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
    .option(
      '--json',
      'print one JSON object: { entries: [{ path, type, bytes, mtimeMs, records, owner, permission, ... }] }',
    )
    .action(async (uris: string[], { json }: Options) => {
      const { listEntries } = await import('../../dataset/index.js');
      const entries = await listEntries(uris, { files, signal });
      if (json) return output.json({ entries });
      const columns = COLUMNS.filter(({ always, text }) => always || entries.some((entry) => text(entry) !== ''));
      const rows = entries.map((entry) => columns.map(({ text }) => text(entry)));
      for (const line of tableLines(columns, rows, { cellWidth: 500 })) await output.line(line);
    });
}

interface Column extends TableColumn {
  /** Shown even where no entry has it. */
  readonly always?: true;
  text(entry: ListedEntry): string;
}

const COLUMNS: readonly Column[] = [
  { title: 'mode', text: ({ type, permission }) => (permission === undefined ? '' : modeText(type, permission)) },
  { title: 'copies', align: 'right', text: ({ replication }) => String(replication ?? '') },
  { title: 'owner', text: ({ owner = '' }) => owner },
  { title: 'group', text: ({ group = '' }) => group },
  {
    title: 'bytes',
    align: 'right',
    always: true,
    text: ({ type, bytes }) => (type === 'folder' ? '' : formatBytes(bytes)),
  },
  { title: 'records', align: 'right', always: true, text: ({ records }) => String(records ?? '') },
  {
    title: 'changed (UTC)',
    always: true,
    text: ({ mtimeMs }) => new Date(mtimeMs).toISOString().slice(0, 19).replace('T', ' '),
  },
  { title: 'name', always: true, text: ({ type, path }) => (type === 'folder' ? `${path}/` : path) },
];

/** As `ls -l` has it: `drwxr-xr-t`. */
function modeText(type: ListedEntry['type'], permission: number): string {
  const bits = [...'rwxrwxrwx'].map((sign, i) => ((permission >> (8 - i)) & 1 ? sign : '-'));
  if (permission & 0o1000) bits[8] = bits[8] === 'x' ? 't' : 'T';
  return (type === 'folder' ? 'd' : '-') + bits.join('');
}
