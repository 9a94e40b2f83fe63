import { resolve as resolvePath } from 'node:path';
import { ShardfeedError } from '../errors.js';
import { normalizePath } from './paths.js';

export interface ParsedUri {
  /** In lower case; `file` for a plain path. */
  readonly scheme: string;
  /** What stands between `//` and the path: a host, `host:port`, a name service; `''` without one. */
  readonly authority: string;
  /** Absolute and normal. */
  readonly path: string;
}

// A plain name may hold colons (`2024:01.csv`), so a scheme counts only before `//`, or where Hadoop takes `hdfs:/path`.
const WITH_AUTHORITY = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)(.*)$/is;
const WITHOUT_AUTHORITY = /^(file|hdfs|s?webhdfs|httpfs):(\/.*)$/is;

/**
 * Splits a URI or plain path; a relative path is taken from the working directory. Only `file:` URIs are
 * percent-encoded (RFC 8089); elsewhere a path stands as it is, as in Hadoop. `?` and `#` are part of the name everywhere.
 * @throws SHARDFEED_USAGE
 */
export function parseUri(uri: string): ParsedUri {
  if (uri === '') throw new ShardfeedError('SHARDFEED_USAGE', 'an empty string names no file');
  const [, scheme, authority, rest] = WITH_AUTHORITY.exec(uri) ?? withoutAuthority(uri);
  if (scheme === undefined) return { scheme: 'file', authority: '', path: normalizePath(resolvePath(uri)) };
  if (scheme.toLowerCase() !== 'file') {
    return { scheme: scheme.toLowerCase(), authority: authority!, path: normalizePath(rest || '/') };
  }
  if (authority !== '' && authority!.toLowerCase() !== 'localhost') {
    throw usage(uri, `a file URI names no other host than localhost, not ${JSON.stringify(authority)}: file:///path`);
  }
  return { scheme: 'file', authority: '', path: normalizePath(decode(rest!, uri)) };
}

function withoutAuthority(uri: string): [uri: string, scheme?: string, authority?: string, rest?: string] {
  const [, scheme, path] = WITHOUT_AUTHORITY.exec(uri) ?? [];
  return [uri, scheme, '', path];
}

function decode(path: string, uri: string): string {
  if (/%2f/i.test(path)) throw usage(uri, 'a name cannot hold an encoded slash (%2F)');
  try {
    return decodeURIComponent(path || '/');
  } catch (cause) {
    throw usage(uri, 'a % in a file URI begins an encoded byte of UTF-8; write %25 for % itself', cause);
  }
}

function usage(uri: string, why: string, cause?: unknown): ShardfeedError {
  return new ShardfeedError('SHARDFEED_USAGE', `invalid URI ${JSON.stringify(uri)}: ${why}`, { path: uri, cause });
}
