import { expect, test } from 'vitest';
import { isLoopback, parseListen } from '../../../src/train/rendezvous/listen-at.js';

test.each([
  ['10.0.0.1', { address: '10.0.0.1' }],
  ['host', { address: 'host' }],
  ['host:80', { address: 'host', ports: [80, 80] }],
  ['host:80-90', { address: 'host', ports: [80, 90] }],
  [':80-90', { ports: [80, 90] }],
  ['::1', { address: '::1' }],
  ['[::1]', { address: '::1' }],
  ['[::1]:5-6', { address: '::1', ports: [5, 6] }],
])('%s is where to listen', (text, expected) => {
  expect(parseListen(text)).toEqual(expected);
});

test.each(['', 'host:', 'host:9-8', 'host:70000', '[::1', 'a:b'])('%j is not', (text) => {
  expect(() => parseListen(text)).toThrowError(expect.objectContaining({ code: 'SHARDFEED_USAGE' }));
});

test('loopback is what only this host reaches', () => {
  expect(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '0.0.0.0', '::', '10.127.0.1'].map(isLoopback)).toEqual([
    true,
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
});
