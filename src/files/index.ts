export { Attempts, pause, putFile, untilWritten } from './attempts.js';
export { type CacheOptions, cachingFileSystem, cachingFiles } from './cache/caching-file-system.js';
export { type CommitOptions, type Committed, DatasetCommit } from './commit/dataset-commit.js';
export { FileCommit } from './commit/file-commit.js';
export { type Recovery, recover } from './commit/recover.js';
export { sweepFolder } from './commit/sweep-folder.js';
export type { Codec } from './compression/codec.js';
export {
  type CompressOptions,
  type CompressWriter,
  compressWriter,
  gzipMemberWriter,
  type MemberWriter,
} from './compression/compress-writer.js';
export { type DecompressOptions, decompress } from './compression/decompress.js';
export { type DetectedFormat, detectFormat, HEAD_BYTES } from './compression/detect.js';
export type { Member, MemberTable } from './compression/members.js';
export { displayPath } from './display-path.js';
export type {
  BlockLocation,
  CallOptions,
  Capabilities,
  CreateOptions,
  DeleteOptions,
  FileChecksum,
  FileReader,
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
  type FoundFile,
  type Location,
  openFiles,
  resolveUri,
  type WithFiles,
} from './files.js';
export { findPath } from './find-path.js';
export { mayBePattern } from './glob.js';
export { alignGzipMember, gzipMember } from './gzip-member.js';
export { type HadoopScheme, hadoopCapabilities, hadoopDriver } from './hadoop-driver.js';
export { lazyFileSystem } from './lazy-file-system.js';
export { localFileSystem } from './local/local-file-system.js';
export { SpoolRoom, TemporaryFiles } from './local/temporary-files.js';
export { type MemoryOptions, memoryFileSystem } from './memory/memory-file-system.js';
export { type OpenSourceOptions, openSource } from './open-source.js';
export { baseName, compareBytes, isHidden, joinPath, normalizePath, parentPath } from './paths.js';
export { Scope, untilAborted } from './scope.js';
export { statIfThere } from './stat-if-there.js';
