import { expect, test } from 'vitest';
import { hdfsFileSystem } from '../../src/hdfs/index.js';
import { type FakeAnswer, type FakeRequest, fakeServer, fileStatus } from './fake-server.js';

/** What lies at a path: an inode, and the length of a file; a folder has none. */
type Tree = Map<string, { fileId: number; length?: number }>;

/** The driver on an HttpFS where the answer of the first rename that is done gets lost; another job may be quicker than that. */
async function losingGateway(tree: Tree, another: () => void = () => undefined) {
  let lost = false;
  const rename = (from: string, destination: string): FakeAnswer => {
    const into = tree.get(destination)?.length === undefined && tree.has(destination);
    const to = into ? `${destination}/${from.split('/').at(-1)}` : destination;
    const moved = tree.get(from);
    if (moved === undefined || tree.has(to)) return { json: { boolean: false } };
    tree.delete(from);
    tree.set(to, moved);
    if (lost) return { json: { boolean: true } };
    lost = true;
    return 'reset';
  };
  const server = await fakeServer(async ({ op, path, query, body }: FakeRequest): Promise<FakeAnswer> => {
    if (op === 'RENAME') {
      if (!lost) another();
      return rename(path, query.get('destination')!);
    }
    if (op === 'MKDIRS') return { json: { boolean: true } };
    if (op === 'DELETE') return { json: { boolean: tree.delete(path) } };
    if (op === 'CREATE') {
      tree.set(path, { fileId: 3, length: (await body()).length });
      return { status: 201 };
    }
    const found = tree.get(path);
    if (found === undefined) return { exception: 'FileNotFoundException', status: 404 };
    const { fileId, length } = found;
    return fileStatus(length ?? 0, { fileId, type: length === undefined ? 'DIRECTORY' : 'FILE' });
  });
  return hdfsFileSystem({ scheme: 'httpfs', authority: server.address, configuration: new Map() });
}

test('a rename that replaces, done although its answer was lost, deletes nothing when it is tried again', async () => {
  const tree: Tree = new Map([['/y', { fileId: 2, length: 3 }]]);
  const writer = await (await losingGateway(tree)).create('/y', { overwrite: true });
  await writer.write(Buffer.from('new'));
  await writer.close();
  expect([...tree]).toEqual([['/y', { fileId: 3, length: 3 }]]);
});

test('what a rename moved into a folder comes back, although its answer was lost', async () => {
  const tree: Tree = new Map([['/x/data', { fileId: 1 }]]);
  const fs = await losingGateway(tree, () => tree.set('/y', { fileId: 2 }));
  await expect(fs.rename('/x/data', '/y')).rejects.toMatchObject({ code: 'SHARDFEED_EXISTS' });
  expect(Object.fromEntries(tree)).toEqual({ '/x/data': { fileId: 1 }, '/y': { fileId: 2 } });
});
