import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { convert } from '../../src/convert/index.js';
import { memoryFileSystem, openFiles } from '../../src/files/index.js';

const golden = fileURLToPath(new URL('../fixtures/golden', import.meta.url));
const SPEC = {
  inputs: {
    id: { type: 'int' },
    big: { type: 'int' },
    x: { type: 'float' },
    d: { type: 'float' },
    name: { type: 'str', default: '' },
  },
  outputs: { label: { type: 'int' } },
};

const partsOf = (folder: string): string[] =>
  readdirSync(join(golden, folder)).filter((name) => name.startsWith('part'));

describe('the golden CSV', () => {
  it.each(['spark-tfrecord-plain', 'tensorflow-hadoop-plain'])('becomes the very bytes of %s', async (folder) => {
    const fs = memoryFileSystem();
    const files = openFiles({ drivers: { memory: () => fs } });
    await convert({ input: join(golden, 'source.csv'), output: 'memory:///golden', partitions: 4, spec: SPEC, files });
    for (const [i, name] of partsOf(folder).entries()) {
      const ours: Uint8Array[] = [];
      for await (const chunk of fs.read(`/golden/part-r-0000${i}`)) ours.push(chunk);
      expect(Buffer.concat(ours).equals(readFileSync(join(golden, folder, name)))).toBe(true);
    }
    expect(partsOf(folder).length).toBe(4);
  });
});
