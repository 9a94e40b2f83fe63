import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isShardfeedError } from '../../../src/errors.js';
import { DelegationToken } from '../../../src/hdfs/credentials/delegation-token.js';
import { parseTokenStorage, readTokenFile } from '../../../src/hdfs/credentials/token-storage.js';
import { WritableReader, writeVInt } from '../../../src/hdfs/credentials/writable.js';
import { storage, tokenText } from './fake-cluster.js';

// Written by Hadoop's own classes: see MakeTokens.java beside them.
const golden = (name: string): string =>
  new URL(`../../fixtures/golden/hadoop-tokens/${name}`, import.meta.url).pathname;

describe('a token storage file', () => {
  it.each(['writable.tokens', 'protobuf.tokens'])('of Hadoop, %s, gives every token', async (name) => {
    const tokens = await readTokenFile(golden(name));
    const listed = tokens.map(({ kind, service }) => `${kind} ${service}`).sort();
    expect(listed).toEqual([
      'HDFS_DELEGATION_TOKEN 127.0.0.1:8020',
      'HDFS_DELEGATION_TOKEN ha-hdfs:ns1',
      'WEBHDFS delegation 127.0.0.1:9870',
      'YARN_AM_RM_TOKEN 10.0.0.9:8030',
    ]);
    for (const { identifier } of tokens) {
      expect(identifier).toEqual({
        owner: 'alice@EXAMPLE.COM',
        renewer: 'yarn',
        realUser: 'etl',
        issueTime: 1795441126418,
        maxTime: 1796045926418,
      });
    }
    for (const [url, service] of [
      ['web.url', '127.0.0.1:9870'],
      ['rpc.url', '127.0.0.1:8020'],
    ] as const) {
      const text = readFileSync(golden(url), 'utf8');
      expect(tokens.find((token) => token.service === service)!.urlString).toBe(text);
      expect(DelegationToken.parse(text).urlString).toBe(text);
    }
  });

  it('that is missing, or something else, is an error that names it', async () => {
    const missing = readTokenFile('/nowhere/tokens');
    await expect(missing).rejects.toMatchObject({ code: 'SHARDFEED_HDFS_AUTH', path: '/nowhere/tokens' });
    const text =
      (bytes: string): (() => unknown) =>
      () =>
        parseTokenStorage(Buffer.from(bytes, 'latin1'), '/t');
    expect(text('')).toThrow('/t is no token file of Hadoop: it does not begin with HDTS');
    expect(text('HDTS\x02')).toThrow('its version is 2');
    expect(text('HDTS')).toThrow('its version is undefined');
  });

  it.each(['writable.tokens', 'protobuf.tokens'])(
    'cut or damaged anywhere, %s, is an error of ours or other tokens',
    (name) => {
      const whole = readFileSync(golden(name));
      const damage = fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255), end: fc.nat(whole.length) });
      fc.assert(
        fc.property(damage, ({ at, byte, end }) => {
          const bytes = Buffer.from(whole.subarray(0, end));
          if (at < bytes.length) bytes[at] = byte;
          try {
            expect(parseTokenStorage(bytes, '/t').length).toBeLessThanOrEqual(4);
          } catch (error) {
            expect(isShardfeedError(error, 'SHARDFEED_HDFS_AUTH')).toBe(true);
          }
        }),
        { numRuns: 300 },
      );
    },
  );
});

describe('a delegation token', () => {
  it('shows its secret to nobody who does not ask for it', () => {
    const token = DelegationToken.parse(tokenText());
    expect(inspect(token, { depth: 9, showHidden: true }) + JSON.stringify(token)).not.toContain(token.urlString);
    expect(token.urlString).toBe(tokenText());
  });

  it.each(['', 'not base64!', 'AAAA', `${tokenText()}AAAA`, tokenText().slice(0, -8)])('is not %j', (text) => {
    const parse = (): unknown => DelegationToken.parse(text);
    expect(parse).toThrow(expect.objectContaining({ code: 'SHARDFEED_HDFS_AUTH' }));
    if (text.length > 9) expect(parse).not.toThrow(text.slice(0, 40));
  });

  it('of another kind has no dates, and is passed on as it is', () => {
    const [token] = parseTokenStorage(storage({ kind: 'kms-dt', owner: 'x' }), '/t');
    expect(token!.kind).toBe('kms-dt');
  });
});

it('a length is written as Hadoop reads it', () => {
  fc.assert(
    fc.property(fc.oneof(fc.nat(300), fc.nat(2 ** 31 - 1)), (length) => {
      const reader = new WritableReader(writeVInt(length), 'it');
      expect([reader.number(), reader.atEnd]).toEqual([length, true]);
    }),
    { seed: 4 },
  );
  const number = (...bytes: number[]): number => new WritableReader(Uint8Array.from(bytes), 'it').number();
  expect([number(0x90), number(0x87, 0), number(0x87, 0xff), number(0x8e, 1, 0)]).toEqual([-112, -1, -256, 256]);
});
