import { Command } from 'commander';
import type { RecordBlock } from '../../records/index.js';
import { SOURCES, withExamples } from '../help.js';
import { names } from '../parse-options.js';
import { type OnCorrupt, onCorruptOption, readOptions } from '../read-source.js';
import type { Session } from '../session.js';

interface Options {
  raw?: true;
  columns?: string[];
  onCorrupt: OnCorrupt;
}

export function catCommand(session: Session): Command {
  const { output } = session;
  return withExamples(new Command('cat'), [
    ['shardfeed cat data/titanic | jq .age', 'all records, one JSON object a line'],
    ['shardfeed cat data/titanic --columns age,fare', 'two features only'],
    ['shardfeed cat data/titanic --raw > one.tfrecord', 'all part files as one TFRecord stream, uncompressed'],
  ])
    .description('Print all records: as JSON lines, or as TFRecords.')
    .argument('<uri...>', SOURCES)
    .option('--columns <names>', 'only these features', names)
    .option('--raw', 'write the framed records themselves')
    .addOption(onCorruptOption())
    .action(async (uris: string[], { raw, columns, onCorrupt }: Options) => {
      const { readFileBlocks } = await import('../../dataset/index.js');
      const { frameRecords, LossLedger, recordToJson } = await import('../../records/index.js');
      const { policy, onLoss, files, signal } = readOptions(session, onCorrupt);
      const ledger = new LossLedger(policy, onLoss);
      const wants = columns === undefined ? undefined : (name: string) => columns.includes(name);
      for (const file of await files.expand(uris, { signal })) {
        for await (const block of readFileBlocks(file, { policy: ledger, signal })) {
          if (raw) await output.write(ledger.strict ? block.bytes : frameRecords(payloadsOf(block)));
          else for (const record of payloadsOf(block)) await output.line(recordToJson(record, wants));
        }
      }
    });
}

function* payloadsOf({ bytes, count, offsets, lengths }: RecordBlock): Generator<Uint8Array> {
  for (let i = 0; i < count; i++) yield bytes.subarray(offsets[i]!, offsets[i]! + lengths[i]!);
}
