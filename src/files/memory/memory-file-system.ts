import { type ErrorCode, ShardfeedError, throwIfAborted } from '../../errors.js';
import type {
  CallOptions,
  CreateOptions,
  DeleteOptions,
  FileStat,
  FileSystem,
  FileWriter,
  ReadOptions,
} from '../file-system.js';
import { baseName, compareBytes, joinPath, normalizePath, parentPath } from '../paths.js';
import { type Entry, MemoryFile, MemoryFolder } from './tree.js';

const CHUNK_BYTES = 1 << 20;

export interface MemoryOptions {
  /** Bytes that all files together may hold; beyond it SHARDFEED_NO_SPACE. Default: no limit. */
  capacity?: number;
}

/** Files in the memory of this process, for tests and for data that never needs a disk. Each call makes an empty one. */
export function memoryFileSystem(options: MemoryOptions = {}): FileSystem {
  return new MemoryFileSystem(options.capacity ?? Number.POSITIVE_INFINITY);
}

/** Every change happens between two awaits, so each is atomic. */
class MemoryFileSystem implements FileSystem {
  readonly scheme = 'memory';
  readonly capabilities = { freeSpace: true, replaceFile: true } as const;
  readonly #root = new MemoryFolder();
  readonly #capacity: number;
  #used = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  async stat(path: string, options: CallOptions = {}): Promise<FileStat> {
    const target = enter(path, options);
    return toFileStat(target, this.#get(target, 'look at'));
  }

  async *list(path: string, options: CallOptions = {}): AsyncGenerator<FileStat> {
    const target = enter(path, options);
    const folder = this.#get(target, 'list');
    if (folder instanceof MemoryFile) throw failure('SHARDFEED_IO', `cannot list ${target}: it is a file`, target);
    const children = [...folder.children].sort(([a], [b]) => compareBytes(a, b));
    for (const [name, child] of children) {
      throwIfAborted(options.signal, target);
      yield toFileStat(joinPath(target, name), child);
    }
  }

  async *read(path: string, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    const target = enter(path, options);
    const file = this.#get(target, 'read');
    if (file instanceof MemoryFolder) throw failure('SHARDFEED_IO', `cannot read ${target}: it is a folder`, target);
    const end = Math.min(options.end ?? file.size, file.size);
    for (let at = options.start ?? 0; at < end; at += CHUNK_BYTES) {
      throwIfAborted(options.signal, target);
      yield file.slice(at, Math.min(at + CHUNK_BYTES, end));
    }
  }

  async create(path: string, options: CreateOptions = {}): Promise<FileWriter> {
    const target = enter(path, options);
    const existing = this.#find(target);
    if (existing instanceof MemoryFolder || (existing !== undefined && options.overwrite !== true)) {
      throw failure('SHARDFEED_EXISTS', `cannot create ${target}: it exists already`, target);
    }
    if (existing !== undefined) this.#drop(existing);
    const file = new MemoryFile();
    this.#makeFolder(parentPath(target), 'create').children.set(baseName(target), file);
    return new MemoryWriter(file, target, options.signal, {
      grow: (bytes) => this.#grow(bytes, target),
      remove: () => this.#remove(target, file),
    });
  }

  async rename(from: string, to: string, options: CallOptions = {}): Promise<void> {
    const source = enter(from, options);
    const target = normalizePath(to);
    const entry = this.#get(source, 'rename');
    if (this.#find(target) !== undefined) {
      throw failure('SHARDFEED_EXISTS', `cannot rename ${source} to ${target}: it exists already`, target);
    }
    if (target.startsWith(`${source}/`)) {
      throw failure('SHARDFEED_IO', `cannot rename ${source} to ${target}: it lies within`, target);
    }
    this.#move(source, target, entry);
  }

  async replaceFile(from: string, to: string, options: CallOptions = {}): Promise<void> {
    const source = enter(from, options);
    const target = normalizePath(to);
    const entry = this.#get(source, 'rename');
    if (entry instanceof MemoryFolder) {
      throw failure('SHARDFEED_IO', `cannot replace ${target} by ${source}: it is a folder`, source);
    }
    const existing = this.#find(target);
    if (existing instanceof MemoryFolder) {
      throw failure('SHARDFEED_EXISTS', `cannot rename ${source} to ${target}: a folder has the name`, target);
    }
    if (existing === entry) return;
    this.#move(source, target, entry);
    if (existing !== undefined) this.#drop(existing);
  }

  async delete(path: string, options: DeleteOptions = {}): Promise<void> {
    const target = enter(path, options);
    if (target === '/') throw failure('SHARDFEED_IO', 'cannot delete the root folder', target);
    const entry = this.#find(target);
    if (entry === undefined) return;
    if (options.recursive === false && entry instanceof MemoryFolder && entry.children.size > 0) {
      throw failure('SHARDFEED_IO', `cannot delete ${target}: the folder is not empty`, target);
    }
    this.#remove(target, entry);
  }

  async mkdir(path: string, options: CallOptions = {}): Promise<void> {
    const target = enter(path, options);
    if (this.#find(target) instanceof MemoryFile) {
      throw failure('SHARDFEED_EXISTS', `cannot make the folder ${target}: a file has the name`, target);
    }
    this.#makeFolder(target, 'make the folder');
  }

  async freeSpace(path: string, options: CallOptions = {}): Promise<number> {
    enter(path, options);
    return this.#capacity - this.#used;
  }

  /** Undefined where nothing has the path, also where a file has a part of it. */
  #find(path: string): Entry | undefined {
    let entry: Entry | undefined = this.#root;
    for (const name of path.split('/').slice(1)) {
      if (name === '') continue;
      if (!(entry instanceof MemoryFolder)) return undefined;
      entry = entry.children.get(name);
    }
    return entry;
  }

  #get(path: string, action: string): Entry {
    const entry = this.#find(path);
    if (entry !== undefined) return entry;
    throw failure('SHARDFEED_NOT_FOUND', `cannot ${action} ${path}: no such file or folder`, path);
  }

  #makeFolder(path: string, action: string): MemoryFolder {
    let folder = this.#root;
    for (const name of path.split('/').slice(1)) {
      if (name === '') continue;
      const child = folder.children.get(name) ?? new MemoryFolder();
      if (child instanceof MemoryFile) {
        throw failure('SHARDFEED_IO', `cannot ${action} ${path}: ${JSON.stringify(name)} is a file`, path);
      }
      folder.children.set(name, child);
      folder = child;
    }
    return folder;
  }

  #move(source: string, target: string, entry: Entry): void {
    const parent = this.#find(parentPath(target));
    if (!(parent instanceof MemoryFolder)) {
      throw failure('SHARDFEED_NOT_FOUND', `cannot rename ${source} to ${target}: its folder does not exist`, target);
    }
    (this.#find(parentPath(source)) as MemoryFolder).children.delete(baseName(source));
    parent.children.set(baseName(target), entry);
  }

  /** Takes the entry away if it still has the name. */
  #remove(path: string, entry: Entry): void {
    const parent = this.#find(parentPath(path));
    if (!(parent instanceof MemoryFolder) || parent.children.get(baseName(path)) !== entry) return;
    parent.children.delete(baseName(path));
    this.#drop(entry);
  }

  #drop(entry: Entry): void {
    if (entry instanceof MemoryFile) this.#used -= entry.size;
    else for (const child of entry.children.values()) this.#drop(child);
  }

  #grow(bytes: number, path: string): void {
    if (this.#used + bytes > this.#capacity) {
      throw failure(
        'SHARDFEED_NO_SPACE',
        `cannot write ${path}: the capacity of ${this.#capacity} bytes is used up`,
        path,
      );
    }
    this.#used += bytes;
  }
}

class MemoryWriter implements FileWriter {
  #state: 'open' | 'closed' | 'aborted' = 'open';

  constructor(
    private readonly file: MemoryFile,
    private readonly path: string,
    private readonly signal: AbortSignal | undefined,
    private readonly owner: { grow: (bytes: number) => void; remove: () => void },
  ) {}

  async write(bytes: Uint8Array): Promise<void> {
    this.#checkOpen();
    this.owner.grow(bytes.length);
    this.file.append(bytes);
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#checkOpen();
    this.#state = 'closed';
  }

  async abort(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'aborted';
    this.owner.remove();
  }

  #checkOpen(): void {
    throwIfAborted(this.signal, this.path);
    if (this.#state === 'open') return;
    throw failure('SHARDFEED_IO', `cannot write ${this.path}: its writer is ${this.#state}`, this.path);
  }
}

function enter(path: string, options: CallOptions): string {
  const target = normalizePath(path);
  throwIfAborted(options.signal, target);
  return target;
}

function toFileStat(path: string, entry: Entry): FileStat {
  const type = entry instanceof MemoryFolder ? 'folder' : 'file';
  return { path, type, size: entry instanceof MemoryFile ? entry.size : 0, mtimeMs: entry.mtimeMs };
}

function failure(code: ErrorCode, message: string, path: string): ShardfeedError {
  return new ShardfeedError(code, message, { path });
}
