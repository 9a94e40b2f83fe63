import { baseName, joinPath } from '../files/index.js';
import type { HdfsClient, Operation } from './client.js';
import type { NameNodeTarget } from './credentials.js';
import { Fault, isBelowFile } from './fault.js';
import { findStatusFrom } from './find-status.js';
import type { Task } from './retry.js';
import { type HdfsStatus, member } from './status.js';

/** What a rename may replace: nothing, a file, or a file at one stroke, which a gateway cannot do. */
export type Replace = 'nothing' | 'file' | 'file at one stroke';

/**
 * Moves what has a status to another name. The answer of an attempt may be lost although it was done: what then has the new
 * name tells by its inode.
 * @throws SHARDFEED_EXISTS, SHARDFEED_NOT_FOUND, SHARDFEED_IO; SHARDFEED_UNSUPPORTED by a gateway
 */
export async function renamePath(
  client: HdfsClient,
  source: HdfsStatus,
  to: string,
  replace: Replace,
  { signal }: { signal?: AbortSignal | undefined },
): Promise<void> {
  const task: Task = { action: `rename ${source.path} to`, path: to, signal };
  let lost = false;
  await client.run(task, async (nameNode) => {
    try {
      await renameOnce(client, nameNode, source, to, replace, task);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (isBelowFile(error)) throw as(error, 'SHARDFEED_NOT_FOUND');
      const settled = error.code === 'SHARDFEED_NOT_FOUND' || error.code === 'SHARDFEED_EXISTS';
      if (settled && lost && isSameFile(await findStatusFrom(client, nameNode, to, task), source)) return;
      lost ||= error.code === 'SHARDFEED_HDFS_UNREACHABLE';
      throw error;
    }
  });
}

async function renameOnce(
  client: HdfsClient,
  nameNode: NameNodeTarget,
  source: HdfsStatus,
  to: string,
  replace: Replace,
  task: Task,
): Promise<void> {
  if (client.gateway) return renameByGateway(client, nameNode, source, to, replace, task);
  const renameoptions = replace === 'nothing' ? 'NONE' : 'OVERWRITE';
  let answer: unknown;
  try {
    answer = await client.jsonOnce(nameNode, rename(source.path, to, task, renameoptions));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    // Only some of what exists is called so.
    if (error.code === 'SHARDFEED_IO') {
      const there = await findStatusFrom(client, nameNode, to, task);
      if (there !== undefined && (replace === 'nothing' || there.type === 'folder'))
        throw as(error, 'SHARDFEED_EXISTS');
    }
    throw error;
  }
  // With options a name node says nothing; who answers `boolean` did not look at them.
  if (answer === undefined) return;
  client.foundGateway();
  const moved = (answer as { boolean?: unknown }).boolean === true;
  if (!moved && replace !== 'nothing') return renameByGateway(client, nameNode, source, to, replace, task);
  await checkGateway(client, nameNode, source, to, moved, task);
}

/**
 * HttpFS ignores the options: a plain rename refuses a file, but moves INTO a folder that has the name, and says `true`, unless
 * that holds something called like the source, as every dataset does (`DATA` in src/files/commit/names.ts). So what came of it
 * is looked at, and moved back where it went wrong.
 */
async function renameByGateway(
  client: HdfsClient,
  nameNode: NameNodeTarget,
  source: HdfsStatus,
  to: string,
  replace: Replace,
  task: Task,
): Promise<void> {
  if (replace === 'file at one stroke') {
    const server = nameNode.origin;
    throw new Fault('SHARDFEED_UNSUPPORTED', 'HttpFS cannot replace a file at one stroke', { server });
  }
  const there = await findStatusFrom(client, nameNode, to, task);
  if (there !== undefined) {
    if (there.type === 'folder') await takeBack(client, nameNode, source, to, task);
    if (replace === 'nothing' || there.type === 'folder') throw exists(nameNode, to);
    if (isSameFile(there, source)) return; // an attempt whose answer was lost has done it
    await client.jsonOnce(nameNode, { ...task, method: 'DELETE', op: 'DELETE', path: to, query: { recursive: false } });
  }
  const answer = await client.jsonOnce(nameNode, rename(source.path, to, task));
  await checkGateway(client, nameNode, source, to, member(answer, 'boolean') === true, task);
}

async function checkGateway(
  client: HdfsClient,
  nameNode: NameNodeTarget,
  source: HdfsStatus,
  to: string,
  moved: boolean,
  task: Task,
): Promise<void> {
  const there = await findStatusFrom(client, nameNode, to, task);
  if (moved) {
    if (isSameFile(there, source)) return;
    await takeBack(client, nameNode, source, to, task);
    throw exists(nameNode, to);
  }
  if (there !== undefined) throw exists(nameNode, to);
  const server = nameNode.origin;
  if (to.startsWith(`${source.path}/`)) throw new Fault('SHARDFEED_IO', 'it would lie within itself', { server });
  throw new Fault('SHARDFEED_NOT_FOUND', 'the source, or the parent of the target, does not exist', { server });
}

/** Out of the folder that has the name, also where the answer of the attempt that moved it in was lost. */
async function takeBack(
  client: HdfsClient,
  nameNode: NameNodeTarget,
  source: HdfsStatus,
  to: string,
  task: Task,
): Promise<void> {
  const inside = joinPath(to, baseName(source.path));
  if (isSameFile(await findStatusFrom(client, nameNode, inside, task), source)) {
    await client.jsonOnce(nameNode, rename(inside, source.path, task));
  }
}

/** By the inode; by size and time where an old server does not tell it. */
function isSameFile(there: HdfsStatus | undefined, source: HdfsStatus): boolean {
  if (there === undefined) return false;
  if (there.fileId !== 0 || source.fileId !== 0) return there.fileId === source.fileId;
  return there.type === source.type && there.size === source.size && there.mtimeMs === source.mtimeMs;
}

function rename(from: string, to: string, task: Task, renameoptions?: 'NONE' | 'OVERWRITE'): Operation {
  const query = { destination: to, ...(renameoptions === undefined ? {} : { renameoptions }) };
  return { ...task, method: 'PUT', op: 'RENAME', path: from, query };
}

function as({ message, server }: Fault, code: Fault['code']): Fault {
  return new Fault(code, message, { server });
}

function exists({ origin }: NameNodeTarget, to: string): Fault {
  return new Fault('SHARDFEED_EXISTS', `${to} exists already`, { server: origin });
}
