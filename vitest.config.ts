import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { configDefaults, defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { whyUnavailable } from './scripts/hdfs/cluster.mjs';
import { whyNoKdc } from './scripts/hdfs/kdc.mjs';
import { findKerberosPackage } from './scripts/kerberos.mjs';

/** What tests find out of files is no business of the user's own cache. */
const env = { SHARDFEED_CACHE_DIR: join(tmpdir(), 'shardfeed-test-cache') };
/** What each project has: how its random tests are seeded, and time enough for a busy machine. */
const common = { env, setupFiles: ['test/support/set-seed.ts'], testTimeout: 60_000, hookTimeout: 60_000 };

// What needs Python lies in test/interop and has a configuration of its own: npm run test:interop.
const unit: TestProjectConfiguration = {
  test: {
    name: 'unit',
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/interop/**', 'test/hdfs/{cluster,kerberos}/**'],
    ...common,
    // Vitest would leave one core to itself; most of these tests wait for processes of their own.
    maxWorkers: Math.max(2, availableParallelism()),
    sequence: { groupOrder: 0 },
  },
};

// What needs a real HDFS: file after file, since they share clusters and kill daemons.
const hdfs: TestProjectConfiguration = {
  test: {
    name: 'hdfs',
    include: ['test/hdfs/cluster/**/*.test.ts'],
    globalSetup: 'test/hdfs/support/global-setup.ts',
    ...common,
    testTimeout: 150_000,
    fileParallelism: false,
    sequence: { groupOrder: 1 },
  },
};

// The same with Kerberos. What is imported as `kerberos` has been built apart: npm run kerberos.
const kerberos = (entry: string): TestProjectConfiguration => ({
  ...hdfs,
  resolve: { alias: { kerberos: entry } },
  test: { ...hdfs.test, name: 'kerberos', include: ['test/hdfs/kerberos/**/*.test.ts'], sequence: { groupOrder: 2 } },
});

/** SHARDFEED_REQUIRE=hdfs,kerberos makes it a failure that something cannot be had; otherwise its tests are left out, which is said. */
function hdfsProjects(): TestProjectConfiguration[] {
  const noHdfs = whyUnavailable();
  const entry = findKerberosPackage();
  const noKerberos = noHdfs ?? whyNoKdc() ?? (entry === undefined ? 'npm run kerberos has not been run' : undefined);
  const projects = [
    { name: 'hdfs', what: 'a real HDFS (test/hdfs/cluster)', why: noHdfs, project: () => hdfs },
    {
      name: 'kerberos',
      what: 'an HDFS with Kerberos (test/hdfs/kerberos)',
      why: noKerberos,
      project: () => kerberos(entry!),
    },
  ];
  const required = process.env.SHARDFEED_REQUIRE?.split(',') ?? [];
  return projects.flatMap(({ name, what, why, project }) => {
    if (why === undefined) return [project()];
    if (required.includes(name)) throw new Error(`SHARDFEED_REQUIRE=${required}, but ${why}`);
    console.warn(`\nNOT RUN: the tests against ${what}. ${why}\n`);
    return [];
  });
}

export default defineConfig({ test: { projects: [unit, ...hdfsProjects()] } });
