import { type ErrorCode, ShardfeedError } from '../../errors.js';
import type { Credentials, CredentialsContext, NameNodeTarget } from '../credentials.js';
import { DelegationToken } from './delegation-token.js';

export interface FetchedTokenOptions {
  /** Who may renew the token. Default: who fetches it. For somebody else tokens are fetched anew instead of renewed. */
  renewer?: string;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  now?: () => number;
}

/** A token and the times of its life by this machine's clock, in milliseconds since the epoch. */
interface Held {
  readonly token: DelegationToken;
  readonly renewAt: number;
  readonly expiresAt: number;
}

/** The share of a token's life after which it is renewed. */
const RENEW_AFTER = 0.75;
/** How long a token lives by default until it is renewed; only a renewal tells what the cluster has it set to. */
const DEFAULT_LIFE_MS = 24 * 3600_000;
/** How long nothing is tried after a renewal that failed while the token still serves. */
const PAUSE_MS = 30_000;

/**
 * Fetches a delegation token by other credentials, and from then on shows the token alone: one for each cluster, shared
 * by its name nodes. The first request after 75 % of its life renews it, or fetches another once its days are counted;
 * one that is refused is fetched anew. As only requests need a token, no timer runs.
 */
export function fetchedToken(base: Credentials, options: FetchedTokenOptions = {}): Credentials {
  const { renewer, now = Date.now } = options;
  const held = new Map<string, Held>();
  const underWay = new Map<string, Promise<Held>>();

  async function ask(
    target: NameNodeTarget,
    context: CredentialsContext,
    op: string,
    own: Record<string, string>,
  ): Promise<unknown> {
    const send = async (): Promise<unknown> =>
      context.ask({
        method: op === 'GETDELEGATIONTOKEN' ? 'GET' : 'PUT',
        op,
        query: { ...own, ...(await base.query?.(target, context)) },
        headers: { ...(await base.headers?.(target, context)) },
      });
    try {
      return await send();
    } catch (error) {
      if (!hasCode(error, 'SHARDFEED_HDFS_AUTH')) throw error;
      if (!(await base.rejected?.(target, error, context))) throw error;
      return send();
    }
  }

  async function fetch(target: NameNodeTarget, context: CredentialsContext): Promise<Held> {
    const answer = await ask(target, context, 'GETDELEGATIONTOKEN', renewer === undefined ? {} : { renewer });
    const text = (answer as { Token?: { urlString?: unknown } | null } | undefined)?.Token?.urlString;
    if (typeof text !== 'string') throw noToken(target);
    const token = DelegationToken.parse(text);
    return renewer === undefined ? renew(target, context, token) : hold(token, now(), now() + DEFAULT_LIFE_MS);
  }

  async function renew(target: NameNodeTarget, context: CredentialsContext, token: DelegationToken): Promise<Held> {
    const from = now();
    const answer = await ask(target, context, 'RENEWDELEGATIONTOKEN', { token: token.urlString });
    const until = (answer as { long?: unknown } | undefined)?.long;
    if (typeof until !== 'number') throw new ShardfeedError('SHARDFEED_HDFS_AUTH', `${target.origin} renewed no token`);
    return hold(token, from, until);
  }

  function hold(token: DelegationToken, from: number, expiresAt: number): Held {
    return { token, expiresAt, renewAt: from + RENEW_AFTER * (expiresAt - from) };
  }

  /** A token that lasts longer than the old one. */
  async function next(target: NameNodeTarget, context: CredentialsContext, old: Held | undefined): Promise<Held> {
    if (old !== undefined && renewer === undefined && now() < old.expiresAt) {
      try {
        const renewed = await renew(target, context, old.token);
        if (renewed.expiresAt > old.expiresAt) return renewed;
      } catch (error) {
        if (!hasCode(error, 'SHARDFEED_HDFS_AUTH') && !hasCode(error, 'SHARDFEED_PERMISSION')) {
          throw error;
        }
      }
    }
    return fetch(target, context);
  }

  /** Of several callers one fetches or renews; where it gives up, another of them takes over. */
  async function refresh(target: NameNodeTarget, context: CredentialsContext, old: Held | undefined): Promise<Held> {
    const running = underWay.get(target.authority);
    if (running !== undefined) {
      try {
        return await running;
      } catch (error) {
        if (!hasCode(error, 'SHARDFEED_ABORTED') || context.signal?.aborted) throw error;
        return refresh(target, context, old);
      }
    }
    const started = next(target, context, old);
    underWay.set(target.authority, started);
    try {
      const fresh = await started;
      held.set(target.authority, fresh);
      return fresh;
    } finally {
      underWay.delete(target.authority);
    }
  }

  return {
    async query(target, context) {
      const old = held.get(target.authority);
      if (old !== undefined && now() < old.renewAt) return { delegation: old.token.urlString };
      try {
        return { delegation: (await refresh(target, context, old)).token.urlString };
      } catch (error) {
        if (old === undefined) throw error;
        if (now() >= old.expiresAt) throw expired(target, old, error);
        held.set(target.authority, { ...old, renewAt: now() + PAUSE_MS });
        return { delegation: old.token.urlString };
      }
    },
    answered: (target, headers) => base.answered?.(target, headers),
    // The next request fetches another, also where one of several refused at once has been here before.
    async rejected(target) {
      held.delete(target.authority);
      return true;
    },
    secrets: () => [...[...held.values()].map(({ token }) => token.urlString), ...(base.secrets?.() ?? [])],
  };
}

function expired(target: NameNodeTarget, { expiresAt }: Held, error: unknown): unknown {
  if (!hasCode(error, 'SHARDFEED_HDFS_AUTH')) return error;
  return new ShardfeedError(
    'SHARDFEED_HDFS_AUTH',
    `the delegation token for ${target.authority} expired at ${new Date(expiresAt).toISOString()}, ` +
      `and no new one can be had: ${error.message}`,
    { cause: error },
  );
}

function noToken(target: NameNodeTarget): ShardfeedError {
  return new ShardfeedError(
    'SHARDFEED_HDFS_AUTH',
    `${target.origin} gives no delegation token: without Kerberos a cluster has none, unless ` +
      'dfs.namenode.delegation.token.always-use is set; leave fetchToken out there',
  );
}

/** Errors on their way to a ShardfeedError carry its code too. */
function hasCode(error: unknown, code: ErrorCode): error is Error {
  return error instanceof Error && (error as { code?: unknown }).code === code;
}
