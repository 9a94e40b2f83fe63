import { configDefaults, defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { whyUnavailable } from './scripts/hdfs/cluster.mjs';

const timeouts = { testTimeout: 60_000, hookTimeout: 60_000 };

// What needs Python lies in test/interop and has a configuration of its own: npm run test:interop.
const unit: TestProjectConfiguration = {
  test: {
    name: 'unit',
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/interop/**', 'test/hdfs/cluster/**'],
    ...timeouts,
    sequence: { groupOrder: 0 },
  },
};

// What needs a real HDFS: file after file, since they share clusters and kill daemons.
const hdfs: TestProjectConfiguration = {
  test: {
    name: 'hdfs',
    include: ['test/hdfs/cluster/**/*.test.ts'],
    globalSetup: 'test/hdfs/support/global-setup.ts',
    ...timeouts,
    testTimeout: 150_000,
    fileParallelism: false,
    sequence: { groupOrder: 1 },
  },
};

/** SHARDFEED_REQUIRE=hdfs makes it a failure that the daemons cannot be had; otherwise it is said, and their tests left out. */
function hdfsProjects(): TestProjectConfiguration[] {
  const why = whyUnavailable();
  if (why === undefined) return [hdfs];
  if (process.env.SHARDFEED_REQUIRE?.split(',').includes('hdfs')) throw new Error(`SHARDFEED_REQUIRE=hdfs, but ${why}`);
  console.warn(`\nNOT RUN: the tests against a real HDFS (test/hdfs/cluster). ${why}\n`);
  return [];
}

export default defineConfig({ test: { projects: [unit, ...hdfsProjects()] } });
