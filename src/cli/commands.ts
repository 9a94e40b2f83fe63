import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { catCommand } from './commands/cat.js';
import { checkpointCommand } from './commands/checkpoint.js';
import { convertCommand } from './commands/convert.js';
import { countCommand } from './commands/count.js';
import { headCommand } from './commands/head.js';
import { indexCommand } from './commands/index-records.js';
import { lsCommand } from './commands/ls.js';
import { planCommand } from './commands/plan.js';
import { repairCommand } from './commands/repair.js';
import { schemaCommand } from './commands/schema.js';
import { statsCommand } from './commands/stats.js';
import { trainCommand } from './commands/train.js';
import { verifyCommand } from './commands/verify.js';
import { workerCommand } from './commands/worker.js';
import { addHadoopOptions } from './hadoop-options.js';
import { withExamples } from './help.js';
import type { Session } from './session.js';

/** Makes `program` the whole command line. */
export function addCommands(program: Command, session: Session): void {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  withExamples(program, [
    ['shardfeed convert titanic.csv --to data/titanic --partitions 4', 'a CSV file becomes a dataset of 4 part files'],
    ['shardfeed head data/titanic -n 5', 'shows its first records'],
    ['shardfeed verify data/titanic', 'checks every byte of it'],
  ])
    .description('Turns tables into sharded TFRecord datasets, and looks after them.')
    .version(version)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .helpCommand('help [command]', 'show the help of a command')
    .configureHelp({ showGlobalOptions: true });
  addHadoopOptions(program);
  for (const make of [
    convertCommand,
    schemaCommand,
    statsCommand,
    headCommand,
    catCommand,
    countCommand,
    lsCommand,
    planCommand,
    verifyCommand,
    repairCommand,
    indexCommand,
    trainCommand,
    workerCommand,
    checkpointCommand,
  ]) {
    const command = make(session);
    for (const nested of command.commands) nested.copyInheritedSettings(program);
    program.addCommand(command.copyInheritedSettings(program));
  }
}
