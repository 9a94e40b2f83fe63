import { describe, test } from 'vitest';
import { fileSystemConformance } from '../../../src/files/conformance.js';
import type { FileSystem } from '../../../src/files/index.js';
import { hdfsFileSystem } from '../../../src/hdfs/index.js';
import { testCluster } from '../support/cluster.js';

const cluster = await testCluster('plain');
const configuration = cluster.confDir;
await cluster.tool('dfs', ['-mkdir', '-p', '/conformance/alice']);
await cluster.tool('dfs', ['-chown', '-R', 'alice:users', '/conformance/alice']);

// Users and the superuser are told different things: see `isBelowFile`.
const drivers: [name: string, fs: FileSystem, root: string, forbidden: RegExp][] = [
  [
    'hdfs://, a user',
    await hdfsFileSystem({ configuration, authentication: { user: 'alice' } }),
    '/conformance/alice',
    /:/,
  ],
  [
    'HttpFS, the superuser',
    await hdfsFileSystem({ scheme: 'httpfs', authority: cluster.httpfs[0]!.http, authentication: { user: 'hdfs' } }),
    '/conformance/hdfs',
    /:| $/,
  ],
];

describe.each(drivers)('%s', (_, fs, root, forbidden) => {
  for (const { name, run } of fileSystemConformance({ open: () => ({ fs, root }), forbidden })) test(name, run);
});
