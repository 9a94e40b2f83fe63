import { ShardfeedError } from '../../errors.js';

/** Imports an optional package when it is first used. @throws SHARDFEED_UNSUPPORTED where it is not installed */
export async function loadPeer<M>(name: string, what: string): Promise<M> {
  try {
    return (await import(name)) as M;
  } catch (cause) {
    throw new ShardfeedError('SHARDFEED_UNSUPPORTED', `${what} needs the package ${name}: npm install ${name}`, {
      cause,
    });
  }
}
