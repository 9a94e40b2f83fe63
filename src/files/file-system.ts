/**
 * The port through which all bytes enter and leave. Paths are absolute within a file system, `/`-separated, without
 * scheme; a driver percent-encodes what its transport needs. Every failure is a ShardfeedError: NOT_FOUND, EXISTS,
 * PERMISSION, NO_SPACE, UNSUPPORTED, ABORTED, else IO, with `path` set.
 */
export interface FileSystem {
  /** URI scheme without colon: `file`, `memory`, `hdfs`. */
  readonly scheme: string;
  readonly capabilities: Capabilities;
  /** @throws SHARDFEED_NOT_FOUND */
  stat(path: string, options?: CallOptions): Promise<FileStat>;
  /** The direct children of a folder in bytewise order of their names. @throws SHARDFEED_NOT_FOUND, or IO for a file */
  list(path: string, options?: CallOptions): AsyncIterable<FileStat>;
  /** Bytes [start, end) in chunks; a range beyond the end of the file ends there. A chunk belongs to the caller. */
  read(path: string, options?: ReadOptions): AsyncIterable<Uint8Array>;
  /** Opens a new file for writing; parent folders are created. @throws SHARDFEED_EXISTS unless `overwrite` */
  create(path: string, options?: CreateOptions): Promise<FileWriter>;
  /** Moves a file or folder to a name that does not exist, atomically. @throws SHARDFEED_EXISTS, SHARDFEED_NOT_FOUND */
  rename(from: string, to: string, options?: CallOptions): Promise<void>;
  /** Deletes a file, or a folder with all it holds; what does not exist is no error. */
  delete(path: string, options?: CallOptions): Promise<void>;
  mkdir(path: string, options?: CallOptions): Promise<void>;
  /** Bytes that can still be written under this path, where the driver can tell. */
  freeSpace?(path: string, options?: CallOptions): Promise<number>;
}

export interface Capabilities {
  /** Where bytes live, for locality. */
  readonly blockLocations?: boolean;
  /** `FileSystem.freeSpace` is there. */
  readonly freeSpace?: boolean;
}

export interface CallOptions {
  signal?: AbortSignal;
}
export interface ReadOptions extends CallOptions {
  /** First byte, default 0. */
  start?: number;
  /** One past the last byte, default the end of the file. */
  end?: number;
}
export interface CreateOptions extends CallOptions {
  /** Replace an existing file. Default false. */
  overwrite?: boolean;
}

export interface FileStat {
  /** Absolute path within its file system. */
  readonly path: string;
  readonly type: 'file' | 'folder';
  /** Bytes; 0 for a folder. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly mtimeMs: number;
}

/** Writes one file from its start to its end. */
export interface FileWriter {
  /** Resolves when the writer can take more. It does not keep the buffer after it resolves. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes the bytes durable (fsync) and the file complete. A second call does nothing. */
  close(): Promise<void>;
  /** Gives the file up and deletes what was written. Does nothing after close. */
  abort(): Promise<void>;
}
