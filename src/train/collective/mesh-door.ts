import { createServer, type Socket } from 'node:net';
import { type ListenAt, listenAt } from '../rendezvous/listen-at.js';
import { type Channel, type Identity, Misfit, meet } from './handshake.js';
import { Lane } from './mesh-lane.js';
import { type MeshTls, tlsServer } from './mesh-tls.js';

/** How long somebody may take to prove who it is. */
const HANDSHAKE_MS = 5000;

/** Where this rank's connections are accepted. */
export interface Door {
  readonly address: string;
  readonly port: number;
  /** What was wrong with the last who was turned away; nothing where nobody was. */
  readonly refused: string | undefined;
  /** No more connections; those that proved who they are stay. */
  close(): void;
}

export interface Visitors {
  /** Somebody of this job. */
  admit(lane: Lane, rank: number, channel: Channel): void;
  /** Somebody who has the secret, but does not fit. */
  misfit(misfit: Misfit): void;
}

/**
 * Listens at the one address. Strangers cost little: up to a fixed number of them, a kilobyte and five seconds each; above that the
 * oldest have to leave. @throws SHARDFEED_RENDEZVOUS where it cannot listen
 */
export async function openDoor(
  at: ListenAt,
  me: Identity,
  tls: MeshTls | undefined,
  visitors: Visitors,
): Promise<Door> {
  const most = 64 + 4 * me.worldSize;
  /** By where they come from, oldest first. */
  const strangers = new Map<string, { socket: Socket; timer: NodeJS.Timeout }>();
  let refused: string | undefined;
  const forget = (key: string): void => {
    clearTimeout(strangers.get(key)?.timer);
    strangers.delete(key);
  };
  const welcome = async (socket: Socket, key: string): Promise<void> => {
    const lane = Lane.accepted(socket);
    try {
      const { rank, channel } = await meet(lane, me);
      forget(key);
      visitors.admit(lane, rank, channel);
    } catch (error) {
      refused = `${key}: ${error instanceof Error ? error.message : String(error)}`;
      lane.destroy();
      if (error instanceof Misfit) visitors.misfit(error);
    }
  };
  const secure = tls === undefined ? undefined : tlsServer(tls);
  secure?.on('secureConnection', (socket) => void welcome(socket, keyOf(socket)));
  const server = createServer((socket) => {
    const key = keyOf(socket);
    if (strangers.size >= most) {
      const [oldest, { socket: first }] = strangers.entries().next().value!;
      first.destroy();
      forget(oldest);
    }
    strangers.set(key, { socket, timer: setTimeout(() => socket.destroy(), HANDSHAKE_MS) });
    socket.once('close', () => {
      if (strangers.get(key)?.socket === socket) forget(key);
    });
    socket.on('error', () => {});
    if (secure === undefined) void welcome(socket, key);
    else secure.emit('connection', socket);
  });
  const { address, port } = await listenAt(server, at);
  return {
    address,
    port,
    get refused() {
      return refused;
    },
    close: () => {
      server.close();
      for (const { socket } of strangers.values()) socket.destroy();
    },
  };
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} port ${remotePort}`;
}
