import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Cluster } from '../../../scripts/hdfs/cluster.mjs';

interface Status {
  readonly pathSuffix: string;
  readonly type: 'FILE' | 'DIRECTORY';
  readonly owner: string;
}

/** What lies on a cluster and how to change it, by plain WebHDFS calls as its superuser: no code of ours, and no Java. */
export function nameSpace(cluster: Cluster) {
  const url = (path: string, query: string): string =>
    `http://${cluster.nn[0]!.http}/webhdfs/v1${encodeURI(path)}?${query}&user.name=hdfs`;
  async function call(method: string, path: string, query: string): Promise<Response> {
    const answer = await fetch(url(path, query), { method });
    if (!answer.ok) throw new Error(`${method} ${path} ${query}: ${answer.status} ${await answer.text()}`);
    return answer;
  }
  async function json<T>(method: string, path: string, query: string): Promise<T> {
    return (await (await call(method, path, query)).json()) as T;
  }
  /** Everything below a folder, hidden things too, relative to it and sorted. */
  async function tree(folder: string, below = ''): Promise<string[]> {
    const { FileStatuses } = await json<{ FileStatuses: { FileStatus: Status[] } }>(
      'GET',
      `${folder}/${below}`,
      'op=LISTSTATUS',
    );
    const names: string[] = [];
    for (const { pathSuffix, type } of FileStatuses.FileStatus) {
      names.push(below + pathSuffix);
      if (type === 'DIRECTORY') names.push(...(await tree(folder, `${below}${pathSuffix}/`)));
    }
    return names.sort();
  }
  return {
    tree,
    status: async (path: string) => (await json<{ FileStatus: Status }>('GET', path, 'op=GETFILESTATUS')).FileStatus,
    read: async (path: string) => new Uint8Array(await (await call('GET', path, 'op=OPEN')).arrayBuffer()),
    make: async (folder: string, owner: string) => {
      await call('PUT', folder, 'op=MKDIRS');
      await call('PUT', folder, `op=SETOWNER&owner=${owner}`);
    },
    delete: async (path: string) => void (await call('DELETE', path, 'op=DELETE&recursive=true')),
    /** Makes a file look as if it had been written so many milliseconds ago. */
    age: async (path: string, ms: number) =>
      void (await call('PUT', path, `op=SETTIMES&modificationtime=${Date.now() - ms}`)),
    spaceQuota: async (folder: string, bytes: number) =>
      void (await call('PUT', folder, `op=SETQUOTA&storagespacequota=${bytes}&namespacequota=9223372036854775807`)),
    async write(path: string, content: string | Uint8Array): Promise<void> {
      const { Location } = await json<{ Location: string }>('PUT', path, 'op=CREATE&noredirect=true');
      const put = request(Location, { method: 'PUT' }).end(content);
      const [answer] = (await once(put, 'response')) as [IncomingMessage];
      if (answer.statusCode !== 201) throw new Error(`${path}: ${answer.statusCode} ${await text(answer)}`);
      answer.resume();
    },
  };
}
