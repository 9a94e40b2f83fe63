import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { encodeExample } from '../../src/index.js';
import { encodeSequenceExample, frameRecords } from '../../src/records/index.js';
import { scratchFolder } from '../files/scratch.js';
import { damaged, FRAMED, JSON_LINES, RECORDS } from './record-files.js';
import { MAIN, run } from './run.js';

const root = await scratchFolder();
const at = (name: string): string => join(root, name);

await writeFile(at('plain'), FRAMED);
await writeFile(at('in.gz'), Buffer.concat([gzipSync(FRAMED), gzipSync(frameRecords([RECORDS[0]!]))]));
await writeFile(at('zlib-without-a-name'), deflateSync(FRAMED));
await writeFile(at('many'), frameRecords(Array.from({ length: 20_000 }, (_, i) => encodeExample({ i }))));
await writeFile(at('damaged'), damaged());

describe('head --json', () => {
  test.each(['plain', 'in.gz', 'zlib-without-a-name'])('%s: one object a record, in file order', async (name) => {
    const stdout = `${JSON_LINES.join('\n')}\n`;
    expect(await run(['head', at(name), '-n', '3', '--json'])).toEqual({ code: 0, stdout, stderr: '' });
  });

  test('-n', async () => {
    expect((await run(['head', at('many'), '--json'])).stdout.split('\n')).toHaveLength(11);
    expect(await run(['head', at('many'), '-n', '0', '--json'])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('over several files', async () => {
    const { stdout } = await run(['head', at('plain'), at('in.gz'), '-n', '5', '--json']);
    expect(stdout).toBe(`${[...JSON_LINES, ...JSON_LINES.slice(0, 2)].join('\n')}\n`);
  });

  test('--columns', async () => {
    const { stdout } = await run(['head', at('plain'), '--json', '--columns', 'i,raw']);
    expect(stdout).toBe('{"i":5,"raw":{"base64":"/w=="}}\n{"i":"1152921504606846976"}\n{}\n');
  });

  test('SequenceExamples', async () => {
    const featureLists = {
      words: ['a', 'b'],
      pairs: [
        [1, 2],
        [3, 4],
      ],
    };
    await writeFile(at('sequences'), frameRecords([encodeSequenceExample({ context: { id: 1 }, featureLists })]));
    expect((await run(['head', at('sequences'), '--json'])).stdout).toBe(
      '{"context":{"id":1},"featureLists":{"words":["a","b"],"pairs":[[1,2],[3,4]]}}\n',
    );
    expect((await run(['head', at('sequences')])).stdout).toBe('id  words[]  pairs[]\n 1  [a, b]   [[1, 2], [3, 4]]\n');
  });
});

test('head: the table', async () => {
  expect((await run(['head', at('plain')])).stdout).toBe(
    [
      'i                    f                      s                     none  raw',
      '5                    [0.1, NaN, -Infinity]  é                     []    (1 bytes)',
      '1152921504606846976                         [a, b]',
      '                                            control \\u001b[31m\\n',
      '',
    ].join('\n'),
  );
});

describe('corrupt records', () => {
  test('end head with exit code 3, one line, and what to do', async () => {
    const { code, stdout, stderr } = await run(['head', at('damaged'), '--json']);
    expect({ code, stdout }).toEqual({ code: 3, stdout: expect.not.stringContaining('control') });
    expect(stderr).toMatch(/^shardfeed: SHARDFEED_CORRUPT_RECORD: .*record 2.*damaged.*shardfeed repair.*\n$/);
  });

  test('are skipped where asked, and listed', async () => {
    const { code, stdout, stderr } = await run(['head', at('damaged'), '--json', '--on-corrupt', 'skip']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${JSON_LINES.slice(0, 2).join('\n')}\n` });
    expect(stderr).toMatch(
      /^shardfeed: skipped: .*damaged: bytes \d+ to \d+, record 2: 1 record lost: the checksum.*\n$/,
    );
  });

  test('a file that is no TFRecord', async () => {
    await writeFile(at('text'), 'just a text file, with no records in it');
    expect(await run(['head', at('text')])).toMatchObject({ code: 3, stdout: '' });
  });
});

test('an empty file has no records', async () => {
  await writeFile(at('empty'), '');
  expect(await run(['head', at('empty')])).toEqual({ code: 0, stdout: '', stderr: '' });
});

test.each([
  ['head', ['head', at('many'), '-n', '20000', '--json']],
  ['cat', ['cat', at('many')]],
])('%s ends quietly when the reader has had enough', async (_, args) => {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdout.once('data', () => child.stdout.destroy());
  const [code] = await once(child, 'exit');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

describe('cat', () => {
  test('prints all records as JSON lines', async () => {
    const stdout = `${[...JSON_LINES, ...JSON_LINES, JSON_LINES[0]].join('\n')}\n`;
    expect(await run(['cat', at('plain'), at('in.gz')])).toEqual({ code: 0, stdout, stderr: '' });
    expect((await run(['cat', at('many')])).stdout.split('\n')).toHaveLength(20_001);
  });

  test('--raw writes the records themselves', async () => {
    const args = ['cat', at('zlib-without-a-name'), at('many'), '--raw'];
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
    await writeFile(at('raw'), Buffer.concat(chunks));
    expect(Buffer.concat(chunks).subarray(0, FRAMED.length).equals(FRAMED)).toBe(true);
    expect((await run(['cat', at('raw')])).stdout).toBe((await run(['cat', at('plain'), at('many')])).stdout);
  });

  test('skips what is damaged where asked', async () => {
    expect(await run(['cat', at('damaged'), '--on-corrupt', 'skip'])).toMatchObject({
      code: 0,
      stdout: `${JSON_LINES.slice(0, 2).join('\n')}\n`,
      stderr: expect.stringContaining('1 record lost'),
    });
    expect(await run(['cat', at('damaged')])).toMatchObject({ code: 3 });
  });
});
