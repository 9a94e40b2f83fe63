import { z } from 'zod';

/** Who failed first, as a rank tells it or as the launcher finds it. */
export interface Culprit {
  readonly rank: number;
  readonly message: string;
  /** What it was busy with, and at which step. */
  readonly phase?: string | undefined;
  readonly step?: number | undefined;
  /** Seconds without a sign of life, or without progress. */
  readonly age?: number | undefined;
  readonly stack?: string | undefined;
  /** Of a ShardfeedError. */
  readonly code?: string | undefined;
}

const culprit = z.object({
  rank: z.int().min(0),
  message: z.string(),
  phase: z.string().optional(),
  step: z.number().optional(),
  age: z.number().optional(),
  stack: z.string().optional(),
  code: z.string().optional(),
});

const message = z.discriminatedUnion('type', [
  z.object({ type: z.literal('joined'), rank: z.int().min(0), pid: z.int() }),
  z.object({ type: z.literal('phase'), phase: z.string(), step: z.number().optional() }),
  z.looseObject({ type: z.literal('report') }),
  z.object({ type: z.literal('error'), culprit }),
  z.object({ type: z.literal('done') }),
]);

/** What a worker tells its launcher, a line of JSON each: by its group (`joined` to `done`), or the guard (`error`). */
export type WorkerMessage = z.infer<typeof message>;

/** What the launcher tells a worker: checkpoint, and leave at the next step. */
export interface StopMessage {
  readonly type: 'stop';
  readonly reason: string;
}

/** Undefined for a line that is no message: a worker may be of another version, or its script write there. */
export function parseMessage(line: Uint8Array): WorkerMessage | undefined {
  try {
    return message.safeParse(JSON.parse(Buffer.from(line).toString())).data;
  } catch {
    return undefined;
  }
}
