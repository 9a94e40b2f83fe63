import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type Identity, introduce, Misfit, meet, WrongSecret } from '../../../src/train/collective/handshake.js';
import { encodeFrame, FRAME, takeFrame } from '../../../src/train/collective/mesh-frames.js';
import { Lane } from '../../../src/train/collective/mesh-lane.js';

const server: Identity = { rank: 0, worldSize: 3, jobId: 'job', planHash: 'plan', attempt: 1, secret: 'open sesame' };
const client: Identity = { ...server, rank: 2 };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(connected: (socket: Socket) => void): Promise<number> {
  const listening: Server = createServer(connected).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  cleanups.push(() => new Promise((resolve) => listening.close(resolve)));
  return (listening.address() as { port: number }).port;
}

async function dialled(port: number): Promise<Lane> {
  const lane = await Lane.dial({ host: '127.0.0.1', port }, undefined, new AbortController().signal);
  cleanups.push(() => lane.destroy());
  return lane;
}

/** A server that meets one who comes, and what comes of it. */
async function meeting(me: Identity): Promise<{ port: number; met: Promise<unknown> }> {
  let settle!: (met: Promise<unknown>) => void;
  const met = new Promise<unknown>((resolve) => {
    settle = resolve;
  });
  met.catch(() => {});
  const port = await listen((socket) => {
    const lane = Lane.accepted(socket);
    settle(
      meet(lane, me).catch((error) => {
        lane.destroy();
        throw error;
      }),
    );
  });
  return { port, met };
}

test('two of one job accept each other', async () => {
  const { port, met } = await meeting(server);
  await introduce(await dialled(port), client, 0, 'data');
  expect(await met).toEqual({ rank: 2, channel: 'data' });
});

test.each<[string, Partial<Identity>, typeof Misfit | typeof WrongSecret]>([
  ['secret', { secret: 'open barley' }, WrongSecret],
  ['job', { jobId: 'another' }, Misfit],
  ['number of ranks', { worldSize: 4 }, Misfit],
  ['plan', { planHash: 'another' }, Misfit],
  ['attempt', { attempt: 2 }, Misfit],
  ['rank, the same on both sides', { rank: 0 }, Misfit],
  ['rank, beyond the last', { rank: 3 }, Misfit],
])('another %s: neither accepts the other', async (_, other, error) => {
  const { port, met } = await meeting(server);
  const lane = await dialled(port);
  await expect(introduce(lane, { ...client, ...other }, 0, 'control')).rejects.toThrow();
  lane.destroy();
  await expect(met).rejects.toBeInstanceOf(error === WrongSecret ? Error : error);
});

test('who dials finds out that the other side has another secret before it shows its own proof', async () => {
  const { port } = await meeting({ ...server, secret: 'another' });
  const lane = await dialled(port);
  const before = lane.socket.bytesWritten;
  await expect(introduce(lane, client, 0, 'control')).rejects.toBeInstanceOf(WrongSecret);
  expect(lane.socket.bytesWritten - before).toBeLessThan(500);
});

test('what was recorded cannot be played again', async () => {
  const good = await meeting(server);
  const recorded: Buffer[] = [];
  const tap = await listen((socket) => {
    const onward = connect(good.port, '127.0.0.1');
    cleanups.push(() => onward.destroy());
    socket.on('data', (bytes: Buffer) => {
      recorded.push(bytes);
      onward.write(bytes);
    });
    onward.on('data', (bytes) => socket.write(bytes));
    socket.on('close', () => onward.destroy());
  });
  await introduce(await dialled(tap), client, 0, 'control');
  expect(await good.met).toEqual({ rank: 2, channel: 'control' });
  expect(recorded).toHaveLength(2);

  const again = await meeting(server);
  const lane = await dialled(again.port);
  lane.write(recorded[0]!);
  await takeFrame(lane);
  lane.write(recorded[1]!);
  await expect(again.met).rejects.toBeInstanceOf(WrongSecret);
});

test('the server’s own proof, sent back, proves nothing', async () => {
  const { port, met } = await meeting(server);
  const lane = await dialled(port);
  const hello = {
    version: 1,
    channel: 'control',
    nonce: `${'A'.repeat(43)}=`,
    jobId: 'job',
    planHash: 'plan',
    worldSize: 3,
    attempt: 1,
    rank: 2,
    to: 0,
  };
  lane.write(encodeFrame(FRAME.handshake, hello));
  const { mac } = (await takeFrame(lane)) as { mac: string };
  lane.write(encodeFrame(FRAME.handshake, { mac }));
  await expect(met).rejects.toBeInstanceOf(WrongSecret);
});

test('who is led back to itself notices', async () => {
  // Somebody between passes what rank 2 sends on to where rank 2 itself listens.
  const { port, met } = await meeting(client);
  await expect(introduce(await dialled(port), client, 0, 'control')).rejects.toBeInstanceOf(Misfit);
  await expect(met).rejects.toBeInstanceOf(Misfit);
});

test.each([
  ['a frame too long', Buffer.from([0, 0, 4, 1, FRAME.handshake, ...Buffer.alloc(1025)])],
  ['another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['no JSON', Buffer.from([0, 0, 0, 1, FRAME.handshake, 0x7b])],
  ['no hello', encodeFrame(FRAME.handshake, { version: 1 })],
  ['a hello of another version', encodeFrame(FRAME.handshake, { version: 2 })],
])('%s is turned away', async (_, bytes) => {
  const { port, met } = await meeting(server);
  (await dialled(port)).write(bytes);
  await expect(met).rejects.toThrow();
});
