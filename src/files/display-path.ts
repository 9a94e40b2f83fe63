import type { Location } from './files.js';

/** How errors, losses and reports name a file. */
export function displayPath({ fs, path }: Location): string {
  return fs.scheme === 'file' ? path : `${fs.scheme}://${fs.authority ?? ''}${path}`;
}
