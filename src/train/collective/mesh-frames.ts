import type { Lane } from './mesh-lane.js';

/** What a frame is about; one byte of it. */
export const FRAME = { message: 1, heartbeat: 2, culprit: 3, bye: 4, handshake: 5 } as const;

const HEAD_BYTES = 5;
/** A plan or a schema is a few megabytes at most. */
const LIMIT_BYTES = 256 << 20;
/** Of a frame from somebody who has not proved yet who it is. */
export const STRANGERS_LIMIT_BYTES = 1024;

/** Length of the payload (uint32, big endian), kind, payload: a JSON value in UTF-8. */
export function encodeFrame(kind: number, value: unknown): Buffer {
  const payload = JSON.stringify(value);
  const length = Buffer.byteLength(payload);
  const frame = Buffer.allocUnsafe(HEAD_BYTES + length);
  frame.writeUInt32BE(length, 0);
  frame[4] = kind;
  frame.write(payload, HEAD_BYTES);
  return frame;
}

/** The payload of the one frame that is expected now. @throws if another comes, or more than the limit for strangers */
export async function takeFrame(lane: Lane): Promise<unknown> {
  const head = await lane.take(HEAD_BYTES);
  const length = head.readUInt32BE(0);
  if (head[4] !== FRAME.handshake || length > STRANGERS_LIMIT_BYTES)
    throw new Error('the other side does not speak this protocol');
  return JSON.parse((await lane.take(length)).toString());
}

/** Calls `frame` with each frame that comes, until the lane ends. What is no frame ends it. */
export function readFrames(lane: Lane, frame: (kind: number, value: unknown) => void): void {
  const head = Buffer.alloc(HEAD_BYTES);
  const next = (): void =>
    lane.read(head, () => {
      const kind = head[4]!;
      const length = head.readUInt32BE(0);
      if (length > LIMIT_BYTES) {
        lane.destroy(new Error(`a message of ${length} bytes is above the limit of ${LIMIT_BYTES}`));
        return;
      }
      const body = Buffer.allocUnsafe(length);
      lane.read(body, () => {
        let value: unknown;
        try {
          value = JSON.parse(body.toString());
        } catch (error) {
          lane.destroy(error);
          return;
        }
        next();
        frame(kind, value);
      });
    });
  next();
}
