import { type ErrorCode, ShardfeedError } from '../../errors.js';

const CODES: Record<string, ErrorCode> = {
  ENOENT: 'SHARDFEED_NOT_FOUND',
  EEXIST: 'SHARDFEED_EXISTS',
  EACCES: 'SHARDFEED_PERMISSION',
  EPERM: 'SHARDFEED_PERMISSION',
  EROFS: 'SHARDFEED_PERMISSION',
  ENOSPC: 'SHARDFEED_NO_SPACE',
  EDQUOT: 'SHARDFEED_NO_SPACE',
  EFBIG: 'SHARDFEED_NO_SPACE',
};

const SENTENCES: Record<string, string> = {
  ENOENT: 'no such file or folder',
  EEXIST: 'it exists already',
  EACCES: 'access denied',
  EPERM: 'the operating system does not permit it',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the quota is used up',
  EFBIG: 'the file would grow beyond the allowed size',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EMFILE: 'this process has too many files open (raise `ulimit -n`)',
  ENFILE: 'the machine has too many files open',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'too many symbolic links',
  ENOTEMPTY: 'the folder is not empty',
  EINVAL: 'the operating system calls it invalid',
};

/** The errno code of a system error, such as `ENOENT`; undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

/**
 * Says in a {@link ShardfeedError} what a failed system call means; what is no system error passes unchanged.
 * `codes` gives an errno another meaning at this place, such as ENOTDIR for a path below a file.
 */
export function localError(
  error: unknown,
  action: string,
  path: string,
  codes: Readonly<Record<string, ErrorCode>> = {},
): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  const code = codes[errno] ?? CODES[errno] ?? 'SHARDFEED_IO';
  const sentence = SENTENCES[errno] ?? (error as Error).message;
  return new ShardfeedError(code, `cannot ${action} ${path}: ${sentence} (${errno})`, { path, cause: error });
}

/** Awaits a system call and turns its error into a {@link ShardfeedError}. */
export async function guarded<T>(
  call: Promise<T>,
  action: string,
  path: string,
  codes?: Readonly<Record<string, ErrorCode>>,
): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw localError(error, action, path, codes);
  }
}
