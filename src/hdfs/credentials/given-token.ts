import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { ShardfeedError } from '../../errors.js';
import type { Credentials, NameNodeTarget } from '../credentials.js';
import type { DelegationToken } from './delegation-token.js';

/** Where given tokens come from. */
export interface TokenSource {
  /** Names it in errors: `the file /path`, `the option token`. */
  readonly name: string;
  /** Called once, and again when a server has refused a token: a file may have been renewed meanwhile. */
  load(): Promise<readonly DelegationToken[]>;
  /** Whether its one token is meant for whatever cluster is asked; else a token goes only to the service it names. */
  readonly forAny?: boolean;
}

// A gateway signs tokens of its own, a name node also takes those that RPC clients fetch.
const WEB_KINDS = ['WEBHDFS delegation', 'SWEBHDFS delegation'];
const ALL_KINDS = [...WEB_KINDS, 'HDFS_DELEGATION_TOKEN'];

/** How long requests may be under way with a token that has been replaced. */
const CHANGED_MS = 60_000;

/**
 * Delegation tokens that somebody else fetched and renews, such as YARN for its containers.
 * @param without who we are at a cluster that no token is for; default: that is an error
 */
export function givenTokens(source: TokenSource, without?: Credentials): Credentials {
  let loaded: Promise<readonly DelegationToken[]> | undefined;
  const chosen = new Map<string, DelegationToken>();
  let reloading: Promise<boolean> | undefined;
  let changedAt = Number.NEGATIVE_INFINITY;

  async function choose(target: NameNodeTarget): Promise<DelegationToken | undefined> {
    const known = chosen.get(target.origin);
    if (known !== undefined) return known;
    loaded ??= source.load();
    const token = await chooseToken(source, await loaded, target);
    if (token !== undefined) chosen.set(target.origin, token);
    else if (without === undefined) throw noneFor(source, await loaded, target);
    return token;
  }

  /** Whether there is another token by now. */
  async function reload(target: NameNodeTarget, refused: DelegationToken): Promise<boolean> {
    const tokens = await source.load();
    const token = await chooseToken(source, tokens, target);
    if (token === undefined || token.urlString === refused.urlString) return false;
    loaded = Promise.resolve(tokens);
    chosen.clear();
    chosen.set(target.origin, token);
    changedAt = Date.now();
    return true;
  }

  return {
    async query(target, context) {
      const token = await choose(target);
      return token === undefined ? ((await without?.query?.(target, context)) ?? {}) : { delegation: token.urlString };
    },
    async headers(target, context) {
      return (await choose(target)) === undefined ? ((await without?.headers?.(target, context)) ?? {}) : {};
    },
    answered(target, headers) {
      without?.answered?.(target, headers);
    },
    async rejected(target, error, context) {
      const refused = chosen.get(target.origin);
      if (refused === undefined) return (await without?.rejected?.(target, error, context)) ?? false;
      if (Date.now() - changedAt < CHANGED_MS) return true; // the request was older than the token
      reloading ??= reload(target, refused).finally(() => {
        reloading = undefined;
      });
      if (await reloading) return true;
      throw refusedToken(source, refused, target, error);
    },
    secrets: () => [...[...chosen.values()].map((token) => token.urlString), ...(without?.secrets?.() ?? [])],
  };
}

async function chooseToken(
  source: TokenSource,
  tokens: readonly DelegationToken[],
  target: NameNodeTarget,
): Promise<DelegationToken | undefined> {
  if (source.forAny) return tokens[0];
  const services = await servicesOf(target);
  const kinds = target.gateway ? WEB_KINDS : ALL_KINDS;
  return kinds
    .map((kind) => tokens.find((token) => token.kind === kind && services.has(token.service)))
    .find((token) => token !== undefined);
}

/** What tokens for a target may call it: Hadoop takes addresses by default, names if it is told to. */
async function servicesOf(target: NameNodeTarget): Promise<Set<string>> {
  const { authority } = target;
  const web = new URL(target.origin);
  const webPort = web.port || (web.protocol === 'https:' ? '443' : '80');
  const services = new Set([authority, `${target.hostname}:${webPort}`]);
  for (const scheme of ['hdfs', 'webhdfs', 'swebhdfs']) services.add(`ha-${scheme}:${authority}`);
  const [, host, port] = /^(.*):(\d+)$/.exec(authority) ?? [];
  for (const [name, at] of [[target.hostname, webPort], ...(host === undefined ? [] : [[host, port!]])]) {
    const found = await lookup(name!, { all: true }).catch((): LookupAddress[] => []);
    for (const { address } of found) services.add(`${address}:${at}`);
  }
  return services;
}

function noneFor(source: TokenSource, tokens: readonly DelegationToken[], target: NameNodeTarget): ShardfeedError {
  const held = tokens.map(({ kind, service }) => `${kind} for ${service || 'no service'}`).join(', ') || 'none at all';
  return new ShardfeedError(
    'SHARDFEED_HDFS_AUTH',
    `${source.name} holds no delegation token for ${target.authority}, but ${held}`,
  );
}

function refusedToken(source: TokenSource, token: DelegationToken, target: NameNodeTarget, cause: Error) {
  const { identifier } = token;
  const dates = identifier
    ? ` It was issued to ${identifier.owner} at ${iso(identifier.issueTime)} and cannot be renewed beyond ${iso(identifier.maxTime)}.`
    : '';
  return new ShardfeedError(
    'SHARDFEED_HDFS_AUTH',
    `${target.authority} refuses the delegation token from ${source.name}: ${cause.message}.${dates} Fetch a new one ` +
      `(hdfs fetchdt --webservice ${target.origin} FILE; then HADOOP_TOKEN_FILE_LOCATION=FILE), or let the one who renews it do so`,
    { cause },
  );
}

function iso(time: number): string {
  return Number.isFinite(time) && Math.abs(time) < 8.64e15 ? new Date(time).toISOString() : String(time);
}
