export type {
  CallOptions,
  Capabilities,
  CreateOptions,
  DeleteOptions,
  FileStat,
  FileSystem,
  FileWriter,
  ReadOptions,
} from './file-system.js';
export {
  type DriverFactory,
  expandGlob,
  type Files,
  type FilesOptions,
  type Location,
  openFiles,
  resolveUri,
  type WithFiles,
} from './files.js';
export { localFileSystem } from './local/local-file-system.js';
export { type MemoryOptions, memoryFileSystem } from './memory/memory-file-system.js';
export { baseName, compareBytes, isHidden, joinPath, normalizePath, parentPath } from './paths.js';
