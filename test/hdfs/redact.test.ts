import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ShardfeedError } from '../../src/errors.js';
import { redact, redactError } from '../../src/hdfs/redact.js';
import { tokenText } from './credentials/fake-cluster.js';

const TOKEN = tokenText();
const COOKIE = 'hadoop.auth="u=alice&p=alice&t=simple&e=1795439648487&s=XpFN/neXyqREkMtD68rHtNRRj0S3iXjcxKphxPUyAfM="';

describe('redact strikes out', () => {
  it.each([
    ['a token in a URL', `http://nn:9870/webhdfs/v1/a?op=OPEN&delegation=${TOKEN}&offset=1`, /op=OPEN&.*&offset=1$/],
    ['a token to renew', `PUT /webhdfs/v1/?op=RENEWDELEGATIONTOKEN&token=${TOKEN}`, /^PUT.*=\*\*\*$/],
    ['a token in an encoded URL', `back=http%3A%2F%2Fnn%2F%3Fdelegation%3D${TOKEN}`, /delegation%3D\*\*\*$/],
    ['a token in an encoded query', `back=%3Fdelegation%3D${TOKEN}%26offset%3D1`, /%3D\*\*\*%26offset%3D1$/],
    ['a token in an HTML page', `<td>/a?op=OPEN&amp;delegation=${TOKEN}</td>`, /<\/td>$/],
    ['a token in JSON', `{"Token":{"urlString":"${TOKEN}"}}`, /^\{"Token":\{"urlString":"\*\*\*"\}\}$/],
    ['a token in JSON within JSON', JSON.stringify(`{"urlString":"${TOKEN}"}`), /urlString.*\*\*\*/],
    ['a ticket', `authorization: Negotiate ${TOKEN}==`, /^authorization: Negotiate \*\*\*/],
    ['a cookie', `cookie: ${COOKIE}; x=1`, /^cookie: hadoop.auth=\*\*\*; x=1$/],
    ['a cookie in JSON', JSON.stringify({ cookie: `${COOKIE}; x=1` }), /x=1/],
    ['a password in a URL', `https://alice:${TOKEN}@nn/`, /^https:\/\/\*\*\*@nn\/$/],
  ])('%s', (_, text, rest) => {
    const shown = redact(text);
    expect(shown).not.toContain(TOKEN.slice(0, 20));
    expect(shown).not.toContain('XpFN');
    expect(shown).toMatch(rest);
  });

  it('a known secret wherever it stands, and nothing else', () => {
    expect(redact(`garbage ${TOKEN}!`, ['', TOKEN])).toBe('garbage ***!');
    const plain =
      'Basic authentication: token (owner=alice) is expired: hdfs://ns1/data/token=x/part-1@2?op=OPEN&user.name=b';
    expect(redact(plain)).toBe(plain);
  });
});

describe('an error', () => {
  const url = `http://dn:9864/a?delegation=${TOKEN}`;

  it('loses its secrets down to its last cause', () => {
    const inner = Object.assign(new TypeError(`cannot GET ${url}`), {
      code: 'ERR',
      rawPacket: Buffer.from(url),
      path: url,
    });
    const middle = new AggregateError([inner, new Error(url)], `tried ${url}`, { cause: inner });
    const error = new ShardfeedError('SHARDFEED_IO', `no ${url}`, { path: url, offset: 3, cause: middle });
    const safe = redactError(error) as ShardfeedError;
    expect(safe).toBeInstanceOf(ShardfeedError);
    expect(safe).toMatchObject({ name: 'ShardfeedError', code: 'SHARDFEED_IO', offset: 3 });
    expect(safe.message).toBe('no http://dn:9864/a?delegation=***');
    expect(safe.cause).toMatchObject({ name: 'AggregateError', errors: [{ name: 'TypeError', code: 'ERR' }, {}] });
    const all = inspect(safe, { depth: 20, showHidden: true }) + JSON.stringify(safe) + safe.stack;
    expect(all).not.toContain(TOKEN);
    expect(all).not.toContain(Buffer.from(TOKEN).toString('hex', 0, 9).match(/../g)!.join(' '));
    expect(all).toContain('delegation=***');
    expect(inspect(error)).toContain(TOKEN);
  });

  it('that holds none is returned as it is', () => {
    const reason = { any: 'thing' };
    const error = new ShardfeedError('SHARDFEED_ABORTED', 'aborted', { cause: reason });
    expect(redactError(error)).toBe(error);
    expect(redactError(undefined)).toBe(undefined);
  });

  it('may be its own cause', () => {
    const error: Error & { cause?: unknown } = new Error(url);
    error.cause = error;
    const safe = redactError(error) as Error;
    expect(safe.cause).toBe(safe);
    expect(safe.message).not.toContain(TOKEN);
  });
});
