import type { FileStat } from '../files/index.js';
import { joinPath } from '../files/index.js';
import { Fault } from './fault.js';

/** What a name node says of a file or folder. */
export interface HdfsStatus extends FileStat {
  /** Number of the inode: another file that takes the path has another one. */
  readonly fileId: number;
  /** Bytes of each block of a file but the last; 0 where it is not told. */
  readonly blockSize: number;
  /** `alice`. */
  readonly owner: string;
  readonly group: string;
  /** Nine or ten bits, such as 0o644. */
  readonly permission: number;
}

/** The JSON of `FileStatus`; in listings `pathSuffix` is the name. @throws Fault */
export function parseStatus(json: unknown, path: string): HdfsStatus {
  const raw = (json ?? {}) as Readonly<Record<string, unknown>>;
  const { pathSuffix, type, length, modificationTime, fileId, owner, group, permission, replication, blockSize } = raw;
  if (typeof type !== 'string' || typeof length !== 'number' || typeof modificationTime !== 'number') {
    throw garbled('FileStatus', json);
  }
  const folder = type === 'DIRECTORY';
  return {
    path: typeof pathSuffix === 'string' && pathSuffix !== '' ? joinPath(path, pathSuffix) : path,
    type: folder ? 'folder' : 'file',
    size: folder ? 0 : length,
    mtimeMs: modificationTime,
    fileId: typeof fileId === 'number' ? fileId : 0,
    blockSize: typeof blockSize === 'number' ? blockSize : 0,
    owner: String(owner ?? ''),
    group: String(group ?? ''),
    permission: Number.parseInt(String(permission ?? '0'), 8),
    ...(folder || typeof replication !== 'number' ? {} : { replication }),
  };
}

/** The value of a key, which must be there. @throws Fault */
export function member(json: unknown, ...keys: string[]): unknown {
  let value = json;
  for (const key of keys) {
    value = (value as Readonly<Record<string, unknown>> | null | undefined)?.[key];
    if (value === undefined) throw garbled(keys.join('.'), json);
  }
  return value;
}

function garbled(what: string, json: unknown): Fault {
  const text = (JSON.stringify(json) ?? 'nothing').slice(0, 200);
  return new Fault('SHARDFEED_HDFS_UNREACHABLE', `an answer without ${what}: ${text}`, {
    server: 'name node',
    remedy: 'elsewhere',
  });
}
