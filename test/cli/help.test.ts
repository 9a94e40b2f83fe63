import { describe, expect, test } from 'vitest';
import { run } from './run.js';

const COMMANDS = [
  'convert',
  'schema',
  'stats',
  'head',
  'cat',
  'count',
  'ls',
  'verify',
  'repair',
  'index',
  'plan',
  'checkpoint',
];

describe('help', () => {
  test('begins with examples, for the whole tool and for each command', async () => {
    const helps = await Promise.all([[], ...COMMANDS.map((name) => [name])].map((args) => run([...args, '--help'])));
    for (const { code, stdout, stderr } of helps) {
      expect(stdout).toMatch(/^Examples:\n {2}\S/);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    }
    for (const name of COMMANDS) expect(helps[0]!.stdout).toContain(`\n  ${name} `);
  });

  test('`help COMMAND` is the same', async () => {
    expect(await run(['help', 'count'])).toEqual(await run(['count', '--help']));
  });

  test('without a command it goes to stderr', async () => {
    const { code, stdout, stderr } = await run([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: shardfeed');
  });

  test('--version', async () => {
    expect(await run(['--version'])).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: '',
    });
  });
});

describe('usage errors are one line on stderr, exit code 2', () => {
  test.each([
    [
      ['convert', 'x.csv', '--to', 'y', '--partitons', '4'],
      "unknown option '--partitons' (did you mean --partitions?)",
    ],
    [['cuont', 'x'], "unknown command 'cuont' (did you mean count?)"],
    [['convert', 'x.csv'], "required option '--to <uri>' not specified"],
    [['head'], "missing required argument 'uri'"],
    [['head', 'x', '-n', 'three'], 'a whole number from 0 is wanted'],
    [['convert', 'x', '--to', 'y', '--partitions', '0'], 'a whole number from 1 is wanted'],
    [['convert', 'x', '--to', 'y', '--target-bytes', '5 parsecs'], 'a size such as 1000, 64MB or 64MiB is wanted'],
    [['convert', 'x', '--to', 'y', '--split', 'train'], 'name=value is wanted'],
    [['convert', 'x', '--to', 'y', '--compression', 'brotli'], 'Allowed choices are none, gzip, zlib'],
    [['convert', '-', 'x', '--to', 'y'], 'cannot be read together with files'],
    [['repair', 'a', 'b', '--to', 'c'], 'too many arguments'],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^shardfeed: SHARDFEED_USAGE: .*\n$/);
    expect(stderr).toContain(message);
  });
});

describe('other errors are one line with their code, exit code 1', () => {
  test.each([
    [['head', '/no/such/file'], 'SHARDFEED_NOT_FOUND', 'no such file or folder'],
    [['count', '/no/such/*.gz'], 'SHARDFEED_NOT_FOUND', 'nothing matches'],
    [['cat', 'gopher://host/x'], 'SHARDFEED_UNSUPPORTED', 'file://'],
  ])('%j', async (args, errorCode, message) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^shardfeed: ${errorCode}: .*\\n$`));
    expect(stderr).toContain(message);
  });
});
