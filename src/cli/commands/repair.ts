import { Command, Option } from 'commander';
import { describeLoss } from '../describe-loss.js';
import { plural } from '../format.js';
import { withExamples } from '../help.js';
import type { Session } from '../session.js';
import { printable } from '../table.js';

interface Options {
  to: string;
  overwrite?: true;
  compression?: 'none' | 'gzip' | 'zlib';
  json?: true;
}

export function repairCommand({ output, files, signal }: Session): Command {
  return withExamples(new Command('repair'), [
    ['shardfeed repair part-r-00003 --to fixed/part-r-00003', 'copies the records that are whole'],
    ['shardfeed repair old.tfrecord.gz --to new.tfrecord --compression none', 'and decompresses them'],
  ])
    .description('Copy the whole records of a damaged TFRecord file to a new one, and list what is lost.')
    .argument('<file>', 'the damaged file; gzip and zlib are told by its bytes')
    .requiredOption('--to <file>', 'the new file; it appears complete or not at all')
    .option('--overwrite', 'replace the new file where it exists')
    .addOption(
      new Option('--compression <codec>', 'of the new file (default: as the damaged one)').choices([
        'none',
        'gzip',
        'zlib',
      ]),
    )
    .option('--json', 'print one JSON object: { records, lost, losses, ... }')
    .action(async (file: string, { to, overwrite, compression, json }: Options) => {
      const { repairFile } = await import('../../dataset/index.js');
      const report = await repairFile(file, to, { files, signal, overwrite, codec: compression });
      if (json) return output.json(report);
      for (const loss of report.losses) await output.line(describeLoss(loss));
      const lost = report.lost === 0 ? 'none lost' : `${plural(report.lost, 'record')} lost`;
      await output.line(`${plural(report.records, 'record')} copied to ${printable(report.to)}, ${lost}`);
    });
}
