import { ShardfeedError } from '../errors.js';

/** What the arguments name: `-` is standard input, everything else URIs, paths and patterns. */
export function inputOf(args: readonly string[], signal: AbortSignal): readonly string[] | AsyncIterable<Uint8Array> {
  if (!args.includes('-')) return args;
  if (args.length > 1) {
    throw new ShardfeedError('SHARDFEED_USAGE', '- (standard input) cannot be read together with files');
  }
  // A read that waits for somebody to type something ends only with the stream.
  signal.addEventListener('abort', () => process.stdin.destroy(), { once: true });
  return bytesOf(process.stdin);
}

/** Begins with a piece of no bytes, so that empty input is known for bytes. */
async function* bytesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(0);
  yield* stream;
}
