import { Command } from 'commander';
import type { PartReport, Problem } from '../../dataset/index.js';
import { describeLoss } from '../describe-loss.js';
import { formatBytes, plural } from '../format.js';
import { SOURCES, withExamples } from '../help.js';
import type { Session } from '../session.js';
import { printable } from '../table.js';

const CORRUPT = 3;
/** Losses that are listed for each file; `--json` has all. */
const LISTED = 20;

interface Options {
  examples: boolean;
  json?: true;
}

export function verifyCommand({ output, files, signal, progress, exitWith }: Session): Command {
  return withExamples(new Command('verify'), [
    ['shardfeed verify data/titanic', 'checks every record; exit code 3 where something is wrong'],
    ["shardfeed verify 'foreign/*.tfrecord.gz' --json", 'a report for machines'],
  ])
    .description('Check checksums, framing, Examples, manifest and index, and say what is wrong where.')
    .argument('<uri...>', SOURCES)
    .option('--no-examples', 'do not look into the records')
    .option('--json', 'print one JSON object: { ok, records, lost, parts, problems, ... }')
    .action(async (uris: string[], { examples, json }: Options) => {
      const { verifyRecords } = await import('../../dataset/index.js');
      let rows = 0;
      let bytes = 0;
      const report = await verifyRecords(uris, {
        files,
        signal,
        examples,
        onPart: (part) => {
          rows += part.records;
          bytes += part.bytes;
          progress.update({ phase: 'verify', rows, bytes, noun: 'record' });
        },
      });
      progress.clear();
      if (!report.ok) exitWith(CORRUPT);
      if (json) return output.json(report);
      for (const line of [...report.parts.flatMap(partLines), ...report.problems.map(problemLine)])
        await output.line(line);
      const { records, parts, lost } = report;
      const where = `in ${plural(parts.length, 'file')}, ${formatBytes(report.bytes)}`;
      if (report.ok) return output.line(`ok: ${plural(records, 'record')} ${where}`);
      const least = parts.some(({ losses }) => losses.some(({ atLeast }) => atLeast)) ? 'at least ' : '';
      const loss = lost > 0 ? `, ${least}${plural(lost, 'record')} lost` : '';
      await output.line(`damaged: ${plural(records, 'whole record')} ${where}${loss}`);
    });
}

function partLines({ losses, problems }: PartReport): string[] {
  const lines = losses.slice(0, LISTED).map(describeLoss);
  if (losses.length > LISTED)
    lines.push(`${printable(losses[0]!.path ?? '')}: and ${losses.length - LISTED} more; --json lists them`);
  return [...lines, ...problems.map(problemLine)];
}

function problemLine({ path, message }: Problem): string {
  return printable(message.includes(path) ? message : `${path}: ${message}`);
}
