import { ShardfeedError } from '../errors.js';
import type { HdfsClient } from './client.js';
import type { NameNodeTarget } from './credentials.js';
import { Fault, isBelowFile } from './fault.js';
import type { Task } from './retry.js';
import { type HdfsStatus, member, parseStatus } from './status.js';

/** What is at a path; undefined for nothing, and below a file. */
export function findStatus(client: HdfsClient, path: string, task: Task): Promise<HdfsStatus | undefined> {
  return client.run(task, (nameNode) => findStatusFrom(client, nameNode, path, task));
}

/** What is at the path of the task. @throws SHARDFEED_NOT_FOUND */
export async function existingStatus(client: HdfsClient, task: Task): Promise<HdfsStatus> {
  const { path, action } = task;
  const status = await findStatus(client, path, task);
  if (status !== undefined) return status;
  throw new ShardfeedError('SHARDFEED_NOT_FOUND', `cannot ${action} ${path}: no such file or folder`, { path });
}

/** One attempt of {@link findStatus}. @throws Fault */
export async function findStatusFrom(
  client: HdfsClient,
  nameNode: NameNodeTarget,
  path: string,
  task: Task,
): Promise<HdfsStatus | undefined> {
  try {
    return await statusFrom(client, nameNode, path, task);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** What is at a path. One attempt. @throws Fault */
export async function statusFrom(
  client: HdfsClient,
  nameNode: NameNodeTarget,
  path: string,
  task: Task,
): Promise<HdfsStatus> {
  const json = await client.jsonOnce(nameNode, { ...task, method: 'GET', op: 'GETFILESTATUS', path });
  return parseStatus(member(json, 'FileStatus'), path);
}

export function isMissing(error: unknown): boolean {
  return isBelowFile(error) || (error instanceof Fault && error.code === 'SHARDFEED_NOT_FOUND');
}
