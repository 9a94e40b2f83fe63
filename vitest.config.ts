import { configDefaults, defineConfig } from 'vitest/config';

// What needs Python lies in test/interop and has a configuration of its own: npm run test:interop.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/interop/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
