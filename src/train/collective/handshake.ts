import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { encodeFrame, FRAME, takeFrame } from './mesh-frames.js';
import type { Lane } from './mesh-lane.js';

/** What all ranks of a job have in common. */
export interface JobIdentity {
  readonly jobId: string;
  readonly worldSize: number;
  readonly planHash: string;
  readonly attempt: number;
}

/** Who this process is, and what it proves it with. */
export interface Identity extends JobIdentity {
  readonly rank: number;
  /** Without one the handshake still tells jobs, plans and attempts apart, but keeps nobody out. */
  readonly secret: string;
}

export type Channel = 'control' | 'data';

const helloSchema = z.object({
  version: z.literal(1),
  channel: z.enum(['control', 'data']),
  nonce: z.string().length(44),
  jobId: z.string().max(200),
  planHash: z.string().max(200),
  worldSize: z.int().min(1),
  attempt: z.int().min(0),
  rank: z.int().min(0),
  /** The rank that it means to speak with. */
  to: z.int().min(0),
});
const macSchema = z.object({ mac: z.string().max(100) });
const challengeSchema = macSchema.extend({ hello: helloSchema });
const welcomeSchema = z.object({ welcome: z.literal(true) });

type Hello = z.infer<typeof helloSchema>;

/** Somebody who has the secret, but does not belong here: another job, size, plan, attempt or rank. */
export class Misfit extends Error {
  readonly of: keyof JobIdentity | 'rank';

  constructor(of: keyof JobIdentity | 'rank', message: string) {
    super(message);
    this.of = of;
  }
}

/** Somebody who does not have the secret. */
export class WrongSecret extends Error {}

/**
 * The side that dialled: both prove that they have the secret by an HMAC-SHA256 over who they are, both nonces, and all else that both
 * say of themselves; the answer can be neither replayed, as the nonces are new, nor reflected, as roles differ.
 * What follows is not signed: who can alter traffic is kept out by TLS alone.
 * @throws Misfit, WrongSecret, and else what the connection breaks of
 */
export async function introduce(lane: Lane, me: Identity, to: number, channel: Channel): Promise<void> {
  const mine = helloOf(me, to, channel);
  lane.write(encodeFrame(FRAME.handshake, mine));
  const { hello: theirs, mac } = challengeSchema.parse(await takeFrame(lane));
  if (!equal(mac, macOf(me.secret, 'accepts', mine, theirs))) {
    throw new WrongSecret('it has another secret');
  }
  lane.write(encodeFrame(FRAME.handshake, { mac: macOf(me.secret, 'dials', mine, theirs) }));
  refuseMisfit(me, theirs, to);
  welcomeSchema.parse(await takeFrame(lane));
}

/** The side that was dialled. @throws as {@link introduce} does */
export async function meet(lane: Lane, me: Identity): Promise<{ rank: number; channel: Channel }> {
  const theirs = helloSchema.parse(await takeFrame(lane));
  const mine = helloOf(me, theirs.rank, theirs.channel);
  lane.write(encodeFrame(FRAME.handshake, { hello: mine, mac: macOf(me.secret, 'accepts', theirs, mine) }));
  const { mac } = macSchema.parse(await takeFrame(lane));
  if (!equal(mac, macOf(me.secret, 'dials', theirs, mine))) {
    throw new WrongSecret(`somebody who says to be rank ${theirs.rank} has another secret`);
  }
  refuseMisfit(me, theirs, theirs.rank);
  lane.write(encodeFrame(FRAME.handshake, { welcome: true }));
  return { rank: theirs.rank, channel: theirs.channel };
}

function helloOf(me: Identity, to: number, channel: Channel): Hello {
  const { rank, jobId, planHash, worldSize, attempt } = me;
  return {
    version: 1,
    channel,
    nonce: randomBytes(32).toString('base64'),
    jobId,
    planHash,
    worldSize,
    attempt,
    rank,
    to,
  };
}

function macOf(secret: string, role: 'dials' | 'accepts', dialler: Hello, acceptor: Hello): string {
  const claims = [dialler, acceptor].map((hello) => [
    hello.version,
    hello.channel,
    hello.nonce,
    hello.jobId,
    hello.planHash,
    hello.worldSize,
    hello.attempt,
    hello.rank,
    hello.to,
  ]);
  return createHmac('sha256', secret)
    .update(JSON.stringify(['shardfeed', role, ...claims]))
    .digest('base64');
}

function equal(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}

const WHAT: Readonly<Record<keyof JobIdentity, string>> = {
  jobId: 'is of another job',
  worldSize: 'counts another number of ranks',
  planHash: 'has another plan',
  attempt: 'is of another attempt',
};

function refuseMisfit(me: Identity, them: Hello, expected: number): void {
  for (const of of ['jobId', 'attempt', 'worldSize', 'planHash'] as const) {
    if (them[of] === me[of]) continue;
    throw new Misfit(of, `rank ${them.rank} ${WHAT[of]} (${them[of]}) than rank ${me.rank} (${me[of]})`);
  }
  if (them.rank !== expected || them.to !== me.rank || them.rank === me.rank || them.rank >= me.worldSize) {
    throw new Misfit(
      'rank',
      `rank ${expected} was expected by rank ${me.rank}, but this is rank ${them.rank}, which wants rank ${them.to}`,
    );
  }
}
