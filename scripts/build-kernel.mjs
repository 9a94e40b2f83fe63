// Compiles assembly/ to WASM modules and embeds each, base64, as TypeScript, so that no file system and no loader of a bundler
// is needed: the records' kernel, which lies in a memory of its own, and the training's, whose memory threads share.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import asc from 'assemblyscript/asc';

const COMMON = [
  '--runtime',
  'stub',
  '-O3',
  '--noAssert',
  '--importMemory',
  '--enable',
  'simd',
  '--memoryBase',
  '65536',
];
/** In step with MAX_PAGES of src/train/kernel/train-memory.ts. */
const SHARED = ['--enable', 'threads', '--sharedMemory', '--initialMemory', '2', '--maximumMemory', '32768'];

mkdirSync('.cache', { recursive: true });
await build('kernel', 'assembly/index.ts', 'src/records/kernel/wasm.ts', []);
await build('train kernel', 'assembly/train/index.ts', 'src/train/kernel/wasm.ts', SHARED);

async function build(name, entry, target, flags) {
  const out = `.cache/${name.replace(' ', '-')}.wasm`;
  const { error, stderr } = await asc.main([entry, '-o', out, ...COMMON, ...flags]);
  if (error) {
    console.error(stderr.toString() || error.message);
    process.exit(1);
  }
  const bytes = readFileSync(out);
  writeFileSync(
    target,
    `// Made by scripts/build-kernel.mjs from ${entry}.\nexport const WASM_BASE64 =\n  '${bytes.toString('base64')}';\n`,
  );
  console.log(`${name}: ${bytes.length} bytes`);
}
