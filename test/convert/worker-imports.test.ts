import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

/** The packages that a source file loads, itself and through what it imports; types are not loaded. */
function packagesOf(file: string, seen = new Set<string>()): Set<string> {
  const packages = new Set<string>();
  if (seen.has(file)) return packages;
  seen.add(file);
  for (const [statement, from] of readFileSync(file, 'utf8').matchAll(/^(?:import|export) [^;]*? from '([^']+)';/gm)) {
    if (/^(import|export) type /.test(statement)) continue;
    if (!from!.startsWith('.')) packages.add(from!);
    else {
      const path = join(dirname(file), from!.replace(/\.js$/, '.ts'));
      if (existsSync(path)) for (const name of packagesOf(path, seen)) packages.add(name);
    }
  }
  return packages;
}

test('a worker thread loads no package, so that it starts at once', () => {
  for (const worker of ['convert/job/worker.ts', 'dataset/reader/stage-worker.ts']) {
    expect([...packagesOf(join(SRC, worker))].filter((name) => !name.startsWith('node:'))).toEqual([]);
  }
  expect([...packagesOf(join(SRC, 'convert/convert.ts'))]).toContain('zod');
});

test('the records layer does no I/O', () => {
  expect([...packagesOf(join(SRC, 'records/index.ts'))]).toEqual(['zod']);
});
