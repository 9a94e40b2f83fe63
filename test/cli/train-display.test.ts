import { describe, expect, test } from 'vitest';
import { describeCulprit, progressLine, TrainDisplay } from '../../src/cli/train-display.js';

const START = { type: 'start', attempt: 0, workers: 2, pids: [1, 2], port: 3 } as const;
const report = (rank: number) => ({
  ...({ type: 'report', rank, step: 1200, epoch: 1, loss: 0.5, recordsPerSecond: 51_000.4 } as const),
  ...{ waitMs: 0.25, allReduceMs: 2, allReduceBytes: 3e6 },
});

function display(isTTY: boolean) {
  let text = '';
  const write = (part: string): void => {
    text += part;
  };
  const take = (): string => {
    const taken = text;
    text = '';
    return taken;
  };
  return { shown: new TrainDisplay({ isTTY, columns: 100, write }), take };
}

describe('on a terminal', () => {
  test('a table of the ranks stands below what is printed', () => {
    const { shown, take } = display(true);
    shown.event(START);
    expect(take()).toBe('shardfeed: attempt 0: 2 workers\n');
    shown.event(report(0));
    expect(take().split('\n')).toEqual([
      'rank  phase   step  epoch  loss  records/s     wait  allreduce  bandwidth',
      '   0  start  1,200      1   0.5     51,000  0.25 ms    2.00 ms   1.5 GB/s',
      '   1  start',
      '',
    ]);
    shown.event({ type: 'phase', rank: 1, phase: 'load' });
    expect(take()).toBe('');
    shown.clear();
    expect(take()).toBe('\x1b[3A\r\x1b[J');
    shown.clear();
    expect(take()).toBe('');
  });
});

describe('elsewhere', () => {
  test('a line says the same from time to time', () => {
    const { shown, take } = display(false);
    shown.event(START);
    take();
    shown.event({ type: 'phase', rank: 0, phase: 'load' });
    expect(take()).toBe('');
    shown.event(report(1));
    expect(take()).toBe(
      'shardfeed: step 1,200, epoch 1, loss 0.5, records/s 51,000, wait 0.25 ms, allreduce 2.00 ms at 1.5 GB/s\n'.replace(
        'step 1,200, epoch 1',
        'step 1,200, epoch 1',
      ),
    );
    shown.event(report(0));
    expect(take()).toBe('');
    shown.clear();
    expect(take()).toBe('');
  });

  test('the rates of all ranks are added', () => {
    expect(progressLine([{ loss: 1, step: 5, recordsPerSecond: 10 }, { recordsPerSecond: 30 }])).toBe(
      'step 5, loss 1, records/s 40',
    );
  });
});

test('a culprit with its place, and nothing that steers the terminal', () => {
  const culprit = {
    rank: 3,
    message: 'bad\x1b[2J',
    phase: 'step',
    step: 7,
    age: 120.4,
    stack: 'Error: x\n    at y\x07',
  };
  expect(describeCulprit(culprit).split('\n')).toEqual([
    'rank 3 failed first, in phase step at step 7 after 2 min 00 s: bad\\u001b[2J',
    '    Error: x',
    '        at y\\u0007',
  ]);
});
