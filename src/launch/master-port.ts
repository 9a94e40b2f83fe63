import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { ShardfeedError } from '../errors.js';

/** Below what systems give to outgoing connections, so that none of those takes the port before rank 0 does. */
const FIRST = 15_000;
const LAST = 32_000;
const TRIES = 200;

/** A port of the address that nobody listens on now. Somebody may before rank 0 does: then its EADDRINUSE asks for another one. */
export async function freePort(address: string): Promise<number> {
  for (let i = 0; i < TRIES; i++) {
    const port = randomInt(FIRST, LAST);
    const server = createServer();
    try {
      const listening = once(server, 'listening');
      server.listen({ host: address, port, exclusive: true });
      await listening;
      return port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    } finally {
      server.close();
    }
  }
  throw new ShardfeedError('SHARDFEED_RENDEZVOUS', `no free port on ${address} between ${FIRST} and ${LAST}`);
}
