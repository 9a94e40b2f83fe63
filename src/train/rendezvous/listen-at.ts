import type { Server } from 'node:net';
import { isIP } from 'node:net';
import { ShardfeedError } from '../../errors.js';

/** Where to listen: at the one address, at the first free port of the range (0: any). */
export interface ListenAt {
  readonly address: string;
  readonly ports: readonly [from: number, to: number];
}

/** `address`, `address:port`, `address:from-to`, `:from-to`; an IPv6 address with ports in brackets. @throws SHARDFEED_USAGE */
export function parseListen(text: string): Partial<ListenAt> {
  if (isIP(text) === 6) return { address: text };
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(\d+)(?:-(\d+))?)?$/.exec(text);
  const [, bracketed, plain, from, to = from] = parts ?? [];
  const ports = from === undefined ? undefined : ([Number(from), Number(to)] as const);
  if (parts === null || text === '' || (ports !== undefined && !(ports[0] <= ports[1] && ports[1] <= 65535))) {
    const forms = 'address, address:port, address:from-to or :from-to, an IPv6 address in brackets';
    throw new ShardfeedError(
      'SHARDFEED_USAGE',
      `to listen at ${JSON.stringify(text)} makes no sense: it must be ${forms}`,
    );
  }
  const address = bracketed ?? plain;
  return { ...(address === undefined || address === '' ? {} : { address }), ...(ports === undefined ? {} : { ports }) };
}

/** Listens, and gives where. @throws SHARDFEED_RENDEZVOUS */
export async function listenAt(server: Server, at: ListenAt): Promise<{ address: string; port: number }> {
  const [from, to] = at.ports;
  for (let port = from; ; port++) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host: at.address, port, exclusive: true }, () => {
          server.removeListener('error', reject);
          server.on('error', () => {});
          resolve();
        });
      });
      const bound = server.address();
      if (bound === null || typeof bound === 'string') throw new Error('no port');
      return { address: bound.address, port: bound.port };
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE' && port < to) continue;
      const ports = from === to ? `port ${from}` : `ports ${from} to ${to}`;
      const advice: Record<string, string> = {
        EADDRINUSE: 'another process has it, perhaps one of an earlier attempt: end that, or choose another port',
        EADDRNOTAVAIL:
          'that is no address of this host: rank 0 runs elsewhere, or is reached through another address, then say by SHARDFEED_LISTEN which one it has here',
        EACCES: 'ports below 1024 need rights: choose another',
      };
      const what = `cannot listen at ${at.address} ${ports}: ${advice[code ?? ''] ?? message}`;
      throw new ShardfeedError('SHARDFEED_RENDEZVOUS', what, { cause });
    }
  }
}

/** Whether only this host can reach the IP address. */
export function isLoopback(address: string): boolean {
  return /^(?:::ffff:)?127\./.test(address) || address === '::1';
}
