const PREFIX = '/webhdfs/v1';

/** The path part of a request: every byte of a name percent-encoded but for RFC 3986's unreserved ones. */
export function encodePath(path: string): string {
  return `${PREFIX}${path.split('/').map(encode).join('/')}`;
}

/** `?op=...`, with `+` and all else encoded. */
export function encodeQuery(query: Readonly<Record<string, QueryValue>>): string {
  const pairs = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(String(value))}`);
  return `?${pairs.join('&')}`;
}

export type QueryValue = string | number | boolean;

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
