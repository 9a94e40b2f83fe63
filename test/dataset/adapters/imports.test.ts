import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const OPTIONAL = ['apache-arrow', '@tensorflow/tfjs', '@tensorflow/tfjs-core', 'kerberos', '@node-rs/crc32'];

/** A program that imports the built package, runs `code`, and prints which optional packages were asked for. */
function asked(code: string): string[] {
  const hooks = `
    const seen = [];
    export async function resolve(name, context, next) {
      if (${JSON.stringify(OPTIONAL)}.includes(name)) process._rawDebug('asked for ' + name);
      return next(name, context);
    }`;
  const program = `
    import { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}));
    const shardfeed = await import(${JSON.stringify(new URL('../../../dist/index.js', import.meta.url).href)});
    ${code}`;
  const output = execFileSync('/bin/sh', ['-c', '"$0" --input-type=module -e "$1" 2>&1', process.execPath, program], {
    encoding: 'utf8',
  });
  return [...output.matchAll(/asked for (.*)/g)].map(([, name]) => name!);
}

test('optional packages stay unloaded until they are used', () => {
  const batch = '{ size: 1, columns: {}, mask: Uint8Array.of(1) }';
  expect(asked('')).toEqual([]);
  expect(asked(`shardfeed.toTensors(${batch}, { tensor: () => 0 })`)).toEqual([]);
  expect(asked(`await shardfeed.toArrow(${batch})`)).toEqual(['apache-arrow']);
});
