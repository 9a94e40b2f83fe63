import type { HdfsOptions } from '../../src/hdfs/index.js';
import { type FakeAnswer, type FakeRequest, fakeCluster, fakeServer, fileStatus } from './fake-server.js';

/** A name node and two data nodes that hold one file; `serve` may spoil what a data node says. */
export async function fileOnTwo(
  content: Uint8Array,
  serve: (request: FakeRequest, node: 0 | 1, right: FakeAnswer) => FakeAnswer | Promise<FakeAnswer> = (_, __, right) =>
    right,
  options: HdfsOptions = {},
) {
  const state = { content, status: {} as Record<string, unknown> };
  const data = (node: 0 | 1) => (request: FakeRequest) => {
    const offset = Number(request.query.get('offset'));
    const end = Math.min(state.content.length, offset + Number(request.query.get('length')));
    return serve(request, node, { bytes: state.content.subarray(offset, end) });
  };
  const nodes = [await fakeServer(data(0)), await fakeServer(data(1))] as const;
  const transfer = (i: number) => `127.0.0.1:${10_000 + i}`;
  const name = await fakeServer(({ op, path, query }) => {
    if (op === 'GETFILESTATUS') return fileStatus(state.content.length, state.status);
    if (op === 'GET_BLOCK_LOCATIONS') {
      const locations = nodes.map(({ address }, i) => ({
        ipAddr: '127.0.0.1',
        hostName: 'localhost',
        infoPort: Number(address.split(':')[1]),
        infoSecurePort: 0,
        xferPort: 10_000 + i,
      }));
      return { json: { LocatedBlocks: { locatedBlocks: [{ locations }] } } };
    }
    if (Number(query.get('offset')) >= state.content.length) {
      return { exception: 'IOException', message: `Offset=${query.get('offset')} out of the range [0, 1); OPEN` };
    }
    const excluded = query.get('excludedatanodes')?.split(',') ?? [];
    const node = nodes.find((_, i) => !excluded.includes(transfer(i)));
    if (node === undefined) return { exception: 'IOException', message: 'No active nodes contain this block' };
    return { location: `${node.origin}/webhdfs/v1${path}?${query}` };
  });
  return { fs: await fakeCluster([name], options), name, nodes, state };
}

export function patterned(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255);
}
