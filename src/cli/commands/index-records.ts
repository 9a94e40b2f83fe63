import { Command } from 'commander';
import { formatBytes, plural } from '../format.js';
import { SOURCES, withExamples } from '../help.js';
import type { Session } from '../session.js';
import { tableLines } from '../table.js';

interface Options {
  tfrecord2idx?: string;
  overwrite?: true;
  json?: true;
}

export function indexCommand({ output, files, signal }: Session): Command {
  return withExamples(new Command('index'), [
    ['shardfeed index data/foreign', 'writes _index/<file>.idx beside each file'],
    ['shardfeed index train.tfrecord --tfrecord2idx train.idx', 'writes the text index that DALI and others read'],
  ])
    .description('Index the records of TFRecord files, so that they are counted and sharded without a scan.')
    .argument('<uri...>', SOURCES)
    .option('--tfrecord2idx <file>', "write one file's index as text (offset and size a line), and nothing else")
    .option('--overwrite', 'replace the text index where it exists')
    .option('--json', 'print one JSON object: { records, fingerprint, parts }')
    .action(async (uris: string[], options: Options) => {
      if (options.tfrecord2idx !== undefined) return exportText(uris, options.tfrecord2idx, options);
      const { indexDataset } = await import('../../dataset/index.js');
      const done = await indexDataset(uris, { files, signal });
      if (options.json) return output.json(done);
      const columns = [
        { title: 'records', align: 'right' },
        { title: 'bytes', align: 'right' },
        { title: 'index' },
      ] as const;
      const rows = done.parts.map(({ records, bytes, index }) => [String(records), formatBytes(bytes), index]);
      for (const line of tableLines(columns, rows, { cellWidth: 500 })) await output.line(line);
      await output.line(
        `${plural(done.records, 'record')} in ${plural(done.parts.length, 'file')}, fingerprint ${done.fingerprint}`,
      );
    });

  async function exportText(uris: readonly string[], to: string, { overwrite, json }: Options): Promise<void> {
    const { scanIndex, tfrecord2idx, writeWhole } = await import('../../dataset/index.js');
    const found = await files.expand(uris, { signal });
    if (found.length !== 1) {
      const { ShardfeedError } = await import('../../errors.js');
      throw new ShardfeedError('SHARDFEED_USAGE', `--tfrecord2idx takes one TFRecord file, these are ${found.length}`);
    }
    const index = await scanIndex(found[0]!, { signal });
    const target = files.resolve(to);
    await writeWhole(target, { signal, overwrite: overwrite ?? false }, async (file) => {
      const encoder = new TextEncoder();
      for (const text of tfrecord2idx(index)) await file.write(encoder.encode(text));
    });
    if (json) return output.json({ records: index.count, index: target.path });
    await output.line(`${plural(index.count, 'record')} indexed in ${target.path}`);
  }
}
