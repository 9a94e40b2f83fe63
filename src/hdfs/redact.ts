import { ShardfeedError } from '../errors.js';

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
 * The error without secrets: message, stack, causes and errors within it, and the text it carries; bytes are left out. What
 * leaves the driver goes through here. An error that holds no secret is returned as it is; else a copy, of the same class
 * only if it is ours.
 */
export function redactError(error: unknown, secrets: readonly string[] = []): unknown {
  const seen = new Map<unknown, unknown>();
  let struck = false;

  function strike(text: string): string {
    const safe = redact(text, secrets);
    struck ||= safe !== text;
    return safe;
  }

  function clean(value: unknown): unknown {
    if (typeof value === 'string') return strike(value);
    if (seen.has(value)) return seen.get(value);
    if (value instanceof Uint8Array) {
      struck = true; // such as the packet that is no HTTP, with all that stands in it
      return undefined;
    }
    if (Array.isArray(value)) {
      const items: unknown[] = [];
      seen.set(value, items);
      for (const item of value) items.push(clean(item));
      return items;
    }
    return value instanceof Error ? cleanError(value) : value;
  }

  function cleanError(value: Error): Error {
    const message = strike(value.message);
    const copy = value instanceof ShardfeedError ? new ShardfeedError(value.code, message) : new Error(message);
    seen.set(value, copy);
    for (const [name, field] of Object.entries(value)) define(copy, name, clean(field), true);
    define(copy, 'name', value.name, false);
    define(copy, 'stack', clean(value.stack), false);
    if (value.cause !== undefined) define(copy, 'cause', clean(value.cause), false);
    if (value instanceof AggregateError) define(copy, 'errors', clean(value.errors), false);
    return copy;
  }

  const copy = clean(error);
  return struck ? copy : error;
}

function define(target: object, name: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true, enumerable });
}
