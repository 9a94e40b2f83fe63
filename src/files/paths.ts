import { ShardfeedError } from '../errors.js';

/**
 * The one spelling of a path: absolute, no `.`, `..` or empty segments, no slash at its end but for the root itself.
 * `..` is resolved by its text, as HDFS does, whatever symbolic links say.
 * @throws SHARDFEED_USAGE for a relative path or one that holds NUL
 */
export function normalizePath(path: string): string {
  if (!path.startsWith('/') || path.includes('\0')) {
    throw new ShardfeedError('SHARDFEED_USAGE', `${JSON.stringify(path)} is no absolute path`, { path });
  }
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return `/${segments.join('/')}`;
}

/** `name` may hold slashes (`_index/part-r-00000.idx`). */
export function joinPath(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}

/** The folder that holds the path; the root holds itself. */
export function parentPath(path: string): string {
  const end = path.lastIndexOf('/');
  return end <= 0 ? '/' : path.slice(0, end);
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Files that Hadoop, Spark and `part*` patterns skip: names that begin with `_` or `.`. */
export function isHidden(name: string): boolean {
  return name.startsWith('_') || name.startsWith('.');
}

/** Orders strings by their UTF-8 bytes, which is the order of their code points, not of JavaScript's UTF-16 units. */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return weight(x) - weight(y);
  }
  return a.length - b.length;
}

/** Lifts surrogates above U+FFFF, where the code points that they stand for belong. */
function weight(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
