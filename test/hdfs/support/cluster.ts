import { join } from 'node:path';
import { inject } from 'vitest';
import {
  type Cluster,
  type ClusterOptions,
  clientConf,
  killDaemon,
  runTool,
  startCluster,
  startDaemon,
} from '../../../scripts/hdfs/cluster.mjs';

/** A cluster that serves, as tests use it. */
export interface TestCluster extends Cluster {
  /** What HADOOP_CONF_DIR names. */
  readonly confDir: string;
  /** A daemon dies (SIGKILL), and is gone when this resolves. */
  kill(id: string): Promise<void>;
  /** A daemon starts again, and serves when this resolves. */
  spawn(id: string): Promise<void>;
  /** Runs one of Hadoop's tools as `user` (default the superuser, hdfs). @returns its standard output @throws where it fails */
  tool(name: 'dfs' | 'dfsadmin' | 'haadmin' | 'fsck' | 'fetchdt', args: string[], user?: string): Promise<string>;
}

const VARIANTS = {
  /** One NameNode, two DataNodes, HttpFS. */
  plain: { httpfs: true },
  /** Two NameNodes behind the name service `ns1`, two DataNodes, one JournalNode. */
  ha: { ha: true },
} satisfies Record<string, ClusterOptions>;

/**
 * The run's cluster of a variant. The first caller starts it (some 6 s), later ones share it, also those of other files;
 * so a test works below a folder of its own, and starts again what it killed. `options` make a variant of one's own
 * under a name of one's own.
 */
export async function testCluster(
  variant: keyof typeof VARIANTS | (string & {}),
  options?: ClusterOptions,
): Promise<TestCluster> {
  const known: ClusterOptions | undefined = Object.entries(VARIANTS).find(([name]) => name === variant)?.[1];
  const dir = join(inject('hdfsRoot'), variant);
  const cluster = await startCluster(dir, options ?? known ?? {});
  return {
    ...cluster,
    confDir: clientConf(dir),
    kill: (id) => killDaemon(dir, id),
    spawn: (id) => startDaemon(dir, id),
    async tool(name, args, user = 'hdfs') {
      const { status, stdout, stderr } = await runTool(dir, name, args, { user });
      if (status !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${status}: ${stdout}${stderr}`);
      return stdout;
    },
  };
}
