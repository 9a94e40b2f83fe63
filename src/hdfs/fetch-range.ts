import type { IncomingMessage } from 'node:http';
import type { BlockPlaces } from './block-places.js';
import type { DataTarget, HdfsClient, Operation } from './client.js';
import type { NameNodeTarget } from './credentials.js';
import { DirectBody } from './direct-body.js';
import { Fault } from './fault.js';
import { receive } from './inflow.js';
import type { Sink } from './sink.js';
import { member } from './status.js';

/** The file is not what it was. */
export class ChangedFault extends Error {}

/** A range of a file. */
export interface FileRange {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Brings the bytes of a range into `sink`, whatever breaks meanwhile: goes on at the byte where it broke, from another replica.
 * @throws ChangedFault where the file ends before, or is gone
 */
export async function fetchRange(
  client: HdfsClient,
  { path, start, end }: FileRange,
  places: BlockPlaces,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> {
  let at = start;
  const excluded = new Set<string>();
  await client.run({ action: 'read', path, signal }, async (nameNode, attempts) => {
    if (at === end) return;
    const operation: Operation = {
      method: 'GET',
      op: 'OPEN',
      path,
      action: 'read',
      signal,
      query: {
        offset: at,
        length: end - at,
        ...(excluded.size > 0 ? { excludedatanodes: [...excluded].join(',') } : {}),
      },
    };
    let from = excluded.size === 0 ? places.find(at, end) : undefined;
    try {
      let opened = from && (await openKnown(client, from, operation));
      if (from === undefined || opened === undefined) {
        places.forget(at, from);
        from = await client.locate(nameNode, operation);
        places.keep(at, from);
        opened = await open(client, from, operation);
      }
      const { answer, body } = opened;
      await receive(answer, body, { ...from, signal }, end - at, {
        room: () => sink.room(),
        filled(bytes) {
          at += bytes;
          attempts.progressed();
          sink.filled(bytes);
        },
        wanted: () => sink.wanted().then(() => attempts.progressed()),
      });
    } catch (error) {
      places.forget(at, from);
      if (!(error instanceof Fault)) throw error;
      if (error.code === 'SHARDFEED_NOT_FOUND' || /out of the range/.test(error.message)) throw new ChangedFault();
      // A name node that has no other data node left may have excluded too many.
      if (error.code === 'SHARDFEED_HDFS_BLOCK_MISSING' && error.dataNode === undefined) excluded.clear();
      if (error.dataNode !== undefined) {
        const address = await transferAddress(client, nameNode, operation, at, error.dataNode);
        if (address !== undefined) excluded.add(address);
      }
      throw error;
    }
  });
}

interface Opened {
  readonly answer: IncomingMessage;
  readonly body: DirectBody;
}

/** @throws Fault */
async function open(client: HdfsClient, from: DataTarget, operation: Operation): Promise<Opened> {
  const body = new DirectBody();
  return { answer: await client.openData(from, operation, body), body };
}

/** The same of a data node that the name node did not name this time: undefined where it fails. */
async function openKnown(client: HdfsClient, from: DataTarget, operation: Operation): Promise<Opened | undefined> {
  try {
    return await open(client, from, operation);
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

/**
 * The address of a data node as `excludedatanodes` wants it: that of its transfer port, where its URL has the port of its web server.
 * Undefined where it has none of the blocks at `offset`.
 */
async function transferAddress(
  client: HdfsClient,
  nameNode: NameNodeTarget,
  { path, signal }: Operation,
  offset: number,
  dataNode: string,
): Promise<string | undefined> {
  const operation: Operation = {
    method: 'GET',
    op: 'GET_BLOCK_LOCATIONS',
    path,
    action: 'read',
    signal,
    query: { offset, length: 1 },
  };
  const [, host, port] = /^(.*):(\d+)$/.exec(dataNode) ?? [];
  try {
    const blocks = member(await client.jsonOnce(nameNode, operation), 'LocatedBlocks', 'locatedBlocks') as {
      locations: Located[];
    }[];
    for (const { ipAddr, hostName, infoPort, infoSecurePort, xferPort } of blocks.flatMap((block) => block.locations)) {
      const here = host === ipAddr || host === hostName;
      if (here && (Number(port) === infoPort || Number(port) === infoSecurePort)) return `${ipAddr}:${xferPort}`;
    }
  } catch {
    // Not to know it costs another attempt at most.
  }
  return undefined;
}

interface Located {
  ipAddr: string;
  hostName: string;
  infoPort: number;
  infoSecurePort: number;
  xferPort: number;
}
