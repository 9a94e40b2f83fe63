import { ELEMENT_BYTES } from './reduce.js';
import type { Span } from './transport.js';

/** A rank's slice of a span: elements floor(r n / M) to floor((r + 1) n / M). */
export function sliceOf(span: Span, rank: number, worldSize: number): Span {
  const first = Math.floor((rank * span.count) / worldSize);
  const last = Math.floor(((rank + 1) * span.count) / worldSize);
  return { ...span, address: span.address + first * ELEMENT_BYTES[span.type], count: last - first };
}
