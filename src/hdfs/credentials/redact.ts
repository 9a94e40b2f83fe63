import { ShardfeedError } from '../../errors.js';

const STRUCK = '***';
/** `name=value`, the same percent-encoded, and `"name":"value"`, also within a JSON string. Folders are named `token=x` too. */
const KEYED =
  /(delegation|urlString|(?<=[?&;"']|%3F|%26)(?:token|password|signature))(=|%3D|\\*["']\s*:\s*\\*["'])(?:(?!%26)[^&\s"'<>;,)\\])+/gi;

/**
 * Strikes out what opens a cluster: tokens and signatures in URLs (also encoded ones), JSON and headers, the `hadoop.auth`
 * cookie, passwords in URLs, and the secrets given.
 */
export function redact(text: string, secrets: readonly string[] = []): string {
  let safe = text;
  for (const secret of secrets) if (secret !== '') safe = safe.replaceAll(secret, STRUCK);
  return safe
    .replace(KEYED, `$1$2${STRUCK}`)
    .replace(/\b(hadoop\.auth=)("[^"]*"|[^\s;,]+)/gi, `$1${STRUCK}`)
    .replace(/\b(Negotiate|Basic|Bearer) +[\w+/=.~-]{20,}/gi, `$1 ${STRUCK}`)
    .replace(/(\/\/)[^/\s@"'<>]+@/g, `$1${STRUCK}@`);
}

/**
 * The error without secrets: message, stack, causes and errors within it, and the text it carries. What leaves the driver goes
 * through here. An error that holds no secret is returned as it is; else a copy, of the same class only if it is ours.
 */
export function redactError(error: unknown, secrets: readonly string[] = []): unknown {
  let struck = false;
  const strike = (text: string): string => {
    const safe = redact(text, secrets);
    struck ||= safe !== text;
    return safe;
  };
  const copy = clean(error, strike, new Map());
  return struck ? copy : error;
}

function clean(value: unknown, strike: (text: string) => string, seen: Map<unknown, unknown>): unknown {
  if (typeof value === 'string') return strike(value);
  if (seen.has(value)) return seen.get(value);
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    seen.set(value, items);
    for (const item of value) items.push(clean(item, strike, seen));
    return items;
  }
  if (!(value instanceof Error)) return value;
  const message = strike(value.message);
  const copy = value instanceof ShardfeedError ? new ShardfeedError(value.code, message) : new Error(message);
  seen.set(value, copy);
  for (const [name, field] of Object.entries(value)) define(copy, name, clean(field, strike, seen), true);
  define(copy, 'name', value.name, false);
  define(copy, 'stack', clean(value.stack, strike, seen), false);
  if (value.cause !== undefined) define(copy, 'cause', clean(value.cause, strike, seen), false);
  if (value instanceof AggregateError) define(copy, 'errors', clean(value.errors, strike, seen), false);
  return copy;
}

function define(target: object, name: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true, enumerable });
}
