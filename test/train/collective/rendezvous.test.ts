import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { Mesh } from '../../../src/train/collective/mesh.js';
import { joinMesh, type MeshOptions } from '../../../src/train/collective/mesh-join.js';
import { freePort } from './free-port.js';
import { closeAll, jobOptions, joinAll } from './mesh-builders.js';

const open: Mesh[] = [];
afterEach(() => closeAll(open.splice(0)));

/** Each rank with options of its own; what became of each: `joined`, or code and message of its error. */
async function outcomes(
  worldSize: number,
  ranks: readonly (Partial<MeshOptions> & { rank: number })[],
  more: Partial<MeshOptions> = {},
): Promise<string[]> {
  const options = await jobOptions(worldSize, { deadlines: { join: 2 }, ...more });
  return Promise.all(
    ranks.map(async (own) => {
      try {
        open.push(await joinMesh({ ...options, ...own }));
        return 'joined';
      } catch (error) {
        const { code, message } = error as { code: string; message: string };
        return `${code} ${message}`;
      }
    }),
  );
}

/** A certificate that is its own authority. */
function certificate(): { cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=job'], {
    stdio: 'ignore',
  });
  const pem = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  rmSync(folder, { recursive: true });
  return pem;
}

async function talk(meshes: readonly Mesh[]): Promise<void> {
  open.push(...meshes);
  meshes[0]!.send(1, { hello: 'there' });
  expect(await meshes[1]!.receive(0)).toEqual({ hello: 'there' });
}

describe('ranks come together', () => {
  test('where one comes late, and rank 0 last', async () => {
    const options = await jobOptions(3);
    const late = async (rank: number, ms: number): Promise<Mesh> => {
      await sleep(ms);
      return joinMesh({ ...options, rank });
    };
    await talk(await Promise.all([late(0, 500), late(1, 0), late(2, 200)]));
  });

  test('over IPv6', async () => {
    await talk(await joinAll(2, { address: '::1' }));
  });

  test('by a host’s name', async () => {
    await talk(await joinAll(2, { address: 'localhost' }));
  });

  test('listening everywhere, if that is asked for, within a range of ports', async () => {
    const from = await freePort();
    await talk(await joinAll(3, { listen: `0.0.0.0:${from}-${from + 50}`, port: await freePort() }));
  });

  test('without a secret, here', async () => {
    await talk(await joinAll(2, { secret: undefined }));
  });

  test('over TLS, with bulk data', async () => {
    const meshes = await joinAll(2, { tls: certificate() });
    await talk(meshes);
    const bytes = Buffer.alloc(1_000_000, 'bulk');
    meshes[1]!.data(0).outgoing.write(bytes);
    const target = new Uint8Array(new SharedArrayBuffer(bytes.length));
    await new Promise<void>((resolve) => meshes[0]!.data(1).incoming.read(target, resolve));
    expect(bytes.compare(target)).toBe(0);
  });
});

describe('ranks do not come together', () => {
  test('when some are missing: all that came know which', async () => {
    const [first, second] = await outcomes(4, [{ rank: 0 }, { rank: 2 }]);
    expect(first).toMatch(/^SHARDFEED_RENDEZVOUS ranks 1, 3 of 4 have not come to 127\.0\.0\.1 port \d+ within 2 s/);
    expect(second).toBe(first);
  });

  test('when rank 0 is missing', async () => {
    const [second] = await outcomes(2, [{ rank: 1 }]);
    expect(second).toMatch(
      /^SHARDFEED_RENDEZVOUS rank 1 has not reached rank 0 at 127\.0\.0\.1 port \d+ within 2 s: .*ECONNREFUSED/,
    );
  });

  test('with another secret: who has it knows at once, the others who was turned away', async () => {
    const [first, second] = await outcomes(2, [{ rank: 0 }, { rank: 1, secret: 'open barley' }]);
    expect(second).toMatch(/^SHARDFEED_RENDEZVOUS rank 1 does not fit together with rank 0 .* another secret/);
    expect(first).toMatch(/^SHARDFEED_RENDEZVOUS ranks 1 of 2 have not come/);
  });

  test.each<[string, Partial<MeshOptions>]>([
    ['another plan', { planHash: 'other' }],
    ['another number of ranks', { worldSize: 4 }],
  ])('with %s: all know at once', async (what, other) => {
    const more = { port: await freePort(), deadlines: { join: 30 } };
    const fitting = outcomes(3, [{ rank: 0 }, { rank: 1 }], more);
    await sleep(300);
    for (const outcome of [...(await outcomes(3, [{ rank: 2, ...other }], more)), ...(await fitting)]) {
      expect(outcome).toMatch(new RegExp(`^SHARDFEED_RENDEZVOUS .*${what}`));
    }
  });

  test('with ranks of another job, which do not disturb this one', async () => {
    const options = await jobOptions(2);
    const stranger = joinMesh({ ...options, rank: 1, jobId: 'another' });
    const first = joinMesh({ ...options, rank: 0 });
    await expect(stranger).rejects.toThrow(/is of another job/);
    await talk(await Promise.all([first, joinMesh({ ...options, rank: 1 })]));
  });

  test('when two say that they are the same', async () => {
    const all = await outcomes(3, [{ rank: 0 }, { rank: 1 }, { rank: 1 }]);
    expect(all[0]).toMatch(/^SHARDFEED_RENDEZVOUS two processes say that they are rank 1/);
  });

  test('where anybody could listen in, without a secret', async () => {
    const both = await outcomes(2, [{ rank: 0, listen: '0.0.0.0' }, { rank: 1 }], { secret: undefined });
    expect(both[0]).toMatch(/^SHARDFEED_RENDEZVOUS without a secret anybody who reaches 0\.0\.0\.0 could join/);
    const all = { secret: undefined, insecure: true, listen: '0.0.0.0' };
    expect(await outcomes(2, [{ rank: 0 }, { rank: 1 }], all)).toEqual(['joined', 'joined']);
  });

  test('when another process has the port', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const [first] = await outcomes(2, [{ rank: 0 }], { port });
    expect(first).toMatch(/^SHARDFEED_RENDEZVOUS cannot listen at 127\.0\.0\.1 port \d+: another process has it/);
    server.close();
  });

  test('where the address is not this host’s, or none at all', async () => {
    const [elsewhere] = await outcomes(2, [{ rank: 0 }], { listen: '192.0.2.1' });
    expect(elsewhere).toMatch(/^SHARDFEED_RENDEZVOUS cannot listen at 192\.0\.2\.1 .*SHARDFEED_LISTEN/);
    const [nowhere] = await outcomes(2, [{ rank: 0 }], { listen: 'no-such-host.invalid' });
    expect(nowhere).toMatch(/^SHARDFEED_RENDEZVOUS the name "no-such-host.invalid" is not known/);
  });

  test('with certificates of different authorities', async () => {
    const [one, other] = [certificate(), certificate()];
    const [, second] = await outcomes(2, [
      { rank: 0, tls: one },
      { rank: 1, tls: other },
    ]);
    expect(second).toMatch(/^SHARDFEED_RENDEZVOUS rank 1 does not fit together with rank 0 .*certificate/);
  });

  test('when one speaks TLS and the other does not', async () => {
    const [first, second] = await outcomes(2, [{ rank: 0 }, { rank: 1, tls: certificate() }]);
    expect([first, second].map((outcome) => outcome!.split(' ')[0])).toEqual(Array(2).fill('SHARDFEED_RENDEZVOUS'));
  });

  test('once it is called off', async () => {
    const options = await jobOptions(3);
    const stop = new AbortController();
    const ranks = [0, 1].map((rank) => joinMesh({ ...options, rank, ...(rank === 1 && { signal: stop.signal }) }));
    setTimeout(() => stop.abort(new Error('enough')), 500);
    await expect(ranks[1]).rejects.toMatchObject({ code: 'SHARDFEED_ABORTED' });
    await expect(ranks[0]).rejects.toMatchObject({ code: 'SHARDFEED_RENDEZVOUS' });
  });
});

test.each([
  [{ rank: 2, worldSize: 2 }, /no rank 2 of 2/],
  [{ rank: 0, worldSize: 0 }, /no rank 0 of 0/],
  [{ rank: 0, worldSize: 1, deadlines: { step: 0.01 } }, /deadline step is in seconds, at least 0\.1/],
  [{ rank: 0, worldSize: 1, deadlines: { steps: 1 } as object }, /no deadline "steps"/],
])('%o makes no sense', async (options, message) => {
  await expect(joinMesh({ address: '127.0.0.1', port: 1, jobId: 'job', ...options })).rejects.toMatchObject({
    code: 'SHARDFEED_USAGE',
    message: expect.stringMatching(message),
  });
});
