import { lookup } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ShardfeedError } from '../../errors.js';
import { type Channel, type Identity, introduce, Misfit, WrongSecret } from './handshake.js';
import { Lane } from './mesh-lane.js';
import { type MeshTls, tlsOptions } from './mesh-tls.js';

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;
/** Longer than who is dialled waits, so that it is never taken for present by one side only. */
const ATTEMPT_MS = 15_000;

export interface DialTo {
  /** A host's name or address. */
  readonly host: string;
  readonly port: number;
  readonly rank: number;
}

/**
 * Connects, again and again until the deadline, since the other side may not be there yet.
 * @throws SHARDFEED_RENDEZVOUS when time is up, and at once for what will not change: another secret, job, plan or number of ranks
 */
export async function dial(
  to: DialTo,
  channel: Channel,
  me: Identity,
  options: { readonly tls?: MeshTls; readonly ms: number; readonly signal: AbortSignal },
): Promise<Lane> {
  const where = `rank ${to.rank} at ${to.host} port ${to.port}`;
  const end = performance.now() + options.ms;
  for (let attempt = 0, pause = FIRST_PAUSE_MS; ; attempt++, pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await once(to, attempt, channel, me, options);
    } catch (cause) {
      options.signal.throwIfAborted();
      const why = cause instanceof Error ? cause.message : String(cause);
      if (isFinal(cause)) {
        const what = `rank ${me.rank} does not fit together with ${where}: ${why}`;
        const advice = 'start all ranks with the same secret, certificates, job id, world size, plan and attempt';
        throw new ShardfeedError('SHARDFEED_RENDEZVOUS', `${what}; ${advice}`, { cause });
      }
      if (performance.now() + pause > end) {
        const what = `rank ${me.rank} has not reached ${where} within ${options.ms / 1000} s: ${why}`;
        const advice =
          'see whether it runs, whether the address is right, and whether anything between blocks the port';
        throw new ShardfeedError('SHARDFEED_RENDEZVOUS', `${what}; ${advice}`, { cause });
      }
    }
    await sleep(pause, undefined, { signal: options.signal });
  }
}

async function once(
  to: DialTo,
  attempt: number,
  channel: Channel,
  me: Identity,
  options: { readonly tls?: MeshTls; readonly signal: AbortSignal },
): Promise<Lane> {
  const addresses = await lookup(to.host, { all: true });
  const { address } = addresses[attempt % addresses.length]!;
  const limit = AbortSignal.any([options.signal, AbortSignal.timeout(ATTEMPT_MS)]);
  const lane = await Lane.dial({ host: address, port: to.port }, tlsOptions(options.tls), limit);
  const stop = (): void => lane.destroy(new Error('it does not answer'));
  limit.addEventListener('abort', stop, { once: true });
  try {
    await introduce(lane, me, to.rank, channel);
    return lane;
  } catch (error) {
    lane.destroy();
    throw error;
  } finally {
    limit.removeEventListener('abort', stop);
  }
}

function isFinal(error: unknown): boolean {
  // An older attempt's ranks are on their way out.
  if (error instanceof Misfit) return error.of !== 'attempt';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return error instanceof WrongSecret || /CERT|SSL|TLS|SIGNATURE/.test(code);
}
