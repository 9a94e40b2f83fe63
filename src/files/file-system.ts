/**
 * The port through which all bytes enter and leave. Paths are absolute within a file system, `/`-separated, without
 * scheme; any name without `/` and NUL is allowed, and a driver percent-encodes what its transport needs. `.`, `..` and
 * repeated slashes are resolved by their text. Every failure is a ShardfeedError: NOT_FOUND, EXISTS, PERMISSION,
 * NO_SPACE, UNSUPPORTED, ABORTED, else IO, with `path` set. `shardfeed/files/conformance` proves a driver.
 */
export interface FileSystem {
  /** URI scheme without colon: `file`, `memory`, `hdfs`. */
  readonly scheme: string;
  /** What stands between `//` and the path in URIs of this file system: `ns1`, `namenode:8020`. Default: nothing. */
  readonly authority?: string;
  readonly capabilities: Capabilities;
  /** @throws SHARDFEED_NOT_FOUND */
  stat(path: string, options?: CallOptions): Promise<FileStat>;
  /** The direct children of a folder in bytewise order of their names. @throws SHARDFEED_NOT_FOUND, or IO for a file */
  list(path: string, options?: CallOptions): AsyncIterable<FileStat>;
  /** Bytes [start, end) in chunks; a range beyond the end of the file ends there. A chunk belongs to the caller. */
  read(path: string, options?: ReadOptions): AsyncIterable<Uint8Array>;
  /**
   * Opens a new file for writing; parent folders are created. Of several creators of one file one succeeds: the others
   * fail here, or in `close` where the file gets its name only then.
   * @throws SHARDFEED_EXISTS unless `overwrite`, and always where a folder has the name; IO where a parent is a file
   */
  create(path: string, options?: CreateOptions): Promise<FileWriter>;
  /**
   * Moves a file or folder to a name that does not exist, atomically and durably; an empty folder of that name exists.
   * Of several movers to one name exactly one succeeds.
   * @throws SHARDFEED_EXISTS; NOT_FOUND where the source or the parent of the target is missing; IO into itself
   */
  rename(from: string, to: string, options?: CallOptions): Promise<void>;
  /** Deletes a file, or a folder with all it holds; what does not exist is no error. @throws IO for the root */
  delete(path: string, options?: DeleteOptions): Promise<void>;
  /** Makes a folder and its parents; one that exists is no error. @throws SHARDFEED_EXISTS for a file of that name */
  mkdir(path: string, options?: CallOptions): Promise<void>;
  /**
   * Moves a file to a name, atomically replacing a file that has it: at every moment the name leads to the old or the new
   * file. @throws SHARDFEED_EXISTS where the target is a folder, SHARDFEED_NOT_FOUND, IO where the source is a folder,
   * UNSUPPORTED where a server proves unable to do it: then nothing was done
   */
  replaceFile?(from: string, to: string, options?: CallOptions): Promise<void>;
  /**
   * Opens a file for reads straight into the caller's memory, where the driver can spare a copy that way. The signal is
   * that of the reads too, where they may take long.
   * @throws SHARDFEED_NOT_FOUND; IO for a folder; UNSUPPORTED for what has no size (a pipe, a device)
   */
  openReader?(path: string, options?: CallOptions): Promise<FileReader>;
  /** Bytes that can still be written under this path, where the driver can tell. */
  freeSpace?(path: string, options?: CallOptions): Promise<number>;
  /** Where the bytes of a range live: blocks in order, without gaps. @throws SHARDFEED_NOT_FOUND */
  blockLocations?(path: string, options?: ReadOptions): Promise<BlockLocation[]>;
  /** The driver's own checksum of a file's bytes. @throws SHARDFEED_NOT_FOUND */
  checksum?(path: string, options?: CallOptions): Promise<FileChecksum>;
}

/** A stretch of a file that lies on the same machines. */
export interface BlockLocation {
  readonly start: number;
  /** One past its last byte. */
  readonly end: number;
  /** Names or addresses of the machines that have a copy. */
  readonly hosts: readonly string[];
}

/** Two files of the same algorithm (which may depend on block sizes) are equal if their checksums are. */
export interface FileChecksum {
  readonly algorithm: string;
  /** Hexadecimal. */
  readonly value: string;
}

export interface Capabilities {
  /** `FileSystem.blockLocations` is there. */
  readonly blockLocations?: boolean;
  /** `FileSystem.checksum` is there. */
  readonly checksum?: boolean;
  /** `FileSystem.freeSpace` is there. */
  readonly freeSpace?: boolean;
  /** `FileSystem.replaceFile` is there. */
  readonly replaceFile?: boolean;
  /** A file that is being written can be lost half-way, by no fault of the caller: see {@link FileWriter}. */
  readonly interruptibleWrites?: boolean;
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
  /** Replace an existing file; its old bytes may be gone at once. Default false. */
  overwrite?: boolean;
}
export interface DeleteOptions extends CallOptions {
  /** Delete what a folder holds; false: a folder that holds anything is an error (IO). Default true. */
  recursive?: boolean;
}

export interface FileStat {
  /** Absolute path within its file system. */
  readonly path: string;
  readonly type: 'file' | 'folder';
  /** Bytes; 0 for a folder. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly mtimeMs: number;
  /** Who owns it, and the nine or ten bits of its mode (0o644), where the driver can tell. */
  readonly owner?: string;
  readonly group?: string;
  readonly permission?: number;
  /** Copies of each block of a file, where the file system keeps several. */
  readonly replication?: number;
}

/** Reads one file. Several reads may be under way at once, at any positions; `close` breaks them off. */
export interface FileReader {
  /** The file as it was when it was opened, where the driver knows that without asking again. */
  readonly found?: Pick<FileStat, 'size' | 'mtimeMs'>;
  /** Fills `into` with the bytes from a position on, or some of them; resolves to their number, 0 only at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** A second call does nothing. */
  close(): Promise<void>;
}

/**
 * Writes one file from its start to its end. One call at a time: await each before the next.
 *
 * With `capabilities.interruptibleWrites`, `write` and `close` may throw SHARDFEED_WRITE_INTERRUPTED: what was written is
 * gone, nothing has the name, and the same bytes may be written from their start with a new writer (after `abort`, which
 * may fail). Nothing is ever appended to what may be there. Drivers throw it where they cannot mend it themselves.
 */
export interface FileWriter {
  /** Resolves when the writer can take more. It does not keep the buffer after it resolves. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes the bytes and the name durable (fsync) and the file complete. A second call does nothing. */
  close(): Promise<void>;
  /** Gives the file up and deletes what was written; later writes fail. Does nothing after close or abort. */
  abort(): Promise<void>;
}
