// A thread of its own, since the main thread may compute for hours without looking at its event loop.
import { Socket } from 'node:net';
import { workerData } from 'node:worker_threads';
import { deleteSecret } from './secret-file.js';

/** Until then the communication thread has given back what the group holds outside of the process. */
const GRACE_MS = 1_000;

const { fd, secretFile } = workerData as { fd: number; secretFile?: string };
const pipe = new Socket({ fd });
pipe.on('error', () => {});
pipe.on('close', () => {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), GRACE_MS);
  // It was deleted, if all had come together.
  if (secretFile !== undefined) deleteSecret(secretFile);
});
pipe.resume();
