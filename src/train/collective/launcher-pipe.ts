import { Socket } from 'node:net';
import type { Culprit } from './mesh.js';
import type { Phase } from './process-group.js';

/** What a worker tells its launcher. */
export type ToLauncher =
  | { readonly type: 'joined'; readonly rank: number; readonly pid: number }
  | { readonly type: 'phase'; readonly phase: Phase; readonly step: number }
  | { readonly type: 'report'; readonly [name: string]: unknown }
  | { readonly type: 'error'; readonly culprit: Culprit | { readonly rank: number; readonly message: string } }
  | { readonly type: 'done' };

/** The worker's end of the pipe between it and its launcher: JSON values, one a line. */
export interface LauncherPipe {
  send(message: ToLauncher): void;
  /** Resolves when all has been written, or cannot be. */
  close(): Promise<void>;
}

/** @param fd of a pipe or socket that the process was started with; undefined: nobody listens */
export function openLauncherPipe(fd: number | undefined, { stop, gone }: { stop(): void; gone(): void }): LauncherPipe {
  if (fd === undefined) return { send() {}, close: async () => {} };
  const socket = new Socket({ fd, readable: true, writable: true });
  let line = '';
  let closed = false;
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = (line + text).split('\n');
    line = lines.pop()!;
    for (const each of lines) if ((JSON.parse(each) as { type?: string }).type === 'stop') stop();
  });
  const end = (): void => {
    if (!closed) gone();
  };
  socket.on('error', end);
  socket.on('close', end);
  socket.on('end', end);
  return {
    send(message) {
      if (!closed) socket.write(`${JSON.stringify(message)}\n`);
    },
    close() {
      if (closed) return Promise.resolve();
      closed = true;
      return new Promise((resolve) => {
        socket.once('close', () => resolve());
        socket.end(() => socket.destroy());
      });
    },
  };
}
