// What can go wrong in an exchange, and who decides: rules that name exchanges, or chance by a seed.
import { randomOf } from '../../random.mjs';

/** Bytes that are no HTTP, always the same for one seed. */
export function garbageOf({ bytes, seed }) {
  const random = randomOf(seed);
  return Buffer.from(Array.from({ length: bytes }, () => Math.floor(random() * 256)));
}

/** Applies each rule to the exchanges that it names, from its `nth` on (from 1, default 1), `times` times (default 1). */
export function byRules(rules) {
  const seen = rules.map(() => 0);
  return (exchange) => {
    let found;
    rules.forEach(({ fault, nth = 1, times = 1, ...wanted }, i) => {
      const matches = Object.entries(wanted).every(([key, value]) =>
        typeof value === 'function' ? value(exchange[key]) : exchange[key] === value,
      );
      if (!matches) return;
      seen[i]++;
      if (seen[i] >= nth && seen[i] < nth + times) found ??= fault;
    });
    return found;
  };
}

/** What servers and the proxies before them send; also the page of a proxy that wants a login first. */
const ANSWERS = [
  { status: 500, body: 'empty' },
  { status: 500, body: 'json' },
  { status: 502, body: 'html' },
  { status: 503, body: 'html' },
  { status: 503, body: 'empty' },
  { status: 200, body: 'html' },
];

/** Faults by chance. `bytes` where a fault strikes is spread over the orders of magnitude, from 0 to 4 MiB. */
const KINDS = [
  (random) => ({ kind: 'delay', ms: random() * 300 }),
  () => ({ kind: 'reset' }),
  () => ({ kind: 'lostAnswer' }),
  (random) => ({ kind: 'garbage', bytes: 1 + Math.floor(random() * 200), seed: random() * 2 ** 32 }),
  (random) => ({ kind: 'status', ...ANSWERS[Math.floor(random() * ANSWERS.length)] }),
  ...['resetUpload', 'cut', 'halfClose', 'truncate'].map((kind) => (random) => ({ kind, bytes: size(random) })),
];
const size = (random) => Math.floor(2 ** (random() * 22)) - 1;

/** Breaks a share of all exchanges (`rate`, 0 to 1), which and how by the seed. */
export function bySeed(seed, rate) {
  const random = randomOf(seed);
  return () => {
    const strikes = random() < rate;
    const fault = KINDS[Math.floor(random() * KINDS.length)](random);
    return strikes ? fault : undefined;
  };
}
