import { ShardfeedError } from '../errors.js';
import { type CallOptions, displayPath, type FileReader } from '../files/index.js';
import type { DatasetPart } from './resolve.js';

/**
 * Makes sure that a part is the file that it was when the dataset was opened, as far as size and mtime tell. `found` is what is
 * known of it now; else it is looked at.
 * @throws SHARDFEED_CHANGED, SHARDFEED_NOT_FOUND
 */
export async function checkUnchanged(
  part: DatasetPart,
  { found, signal }: CallOptions & Pick<FileReader, 'found'> = {},
): Promise<void> {
  const { size, mtimeMs } = found ?? (await part.fs.stat(part.path, { signal }));
  if (size !== part.bytes || (part.mtimeMs !== undefined && mtimeMs !== part.mtimeMs)) throw changed(part);
}

export function changed(part: DatasetPart): ShardfeedError {
  const path = displayPath(part);
  const what = `${path} is not the file that it was when the dataset was opened: open it again once whoever writes it is done`;
  return new ShardfeedError('SHARDFEED_CHANGED', what, { path });
}
