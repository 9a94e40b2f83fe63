// Compiles assembly/ to one WASM module and embeds it, base64, in src/records/kernel/wasm.ts, so that the records layer
// needs no file system and bundlers need no loader.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import asc from 'assemblyscript/asc';

const out = '.cache/kernel.wasm';
mkdirSync('.cache', { recursive: true });
const { error, stderr } = await asc.main([
  'assembly/index.ts',
  '-o',
  out,
  '--runtime',
  'stub',
  '-O3',
  '--noAssert',
  '--importMemory',
  '--enable',
  'simd',
  '--memoryBase',
  '65536',
]);
if (error) {
  console.error(stderr.toString() || error.message);
  process.exit(1);
}
const bytes = readFileSync(out);
writeFileSync(
  'src/records/kernel/wasm.ts',
  `// Made by scripts/build-kernel.mjs from assembly/.\nexport const WASM_BASE64 =\n  '${bytes.toString('base64')}';\n`,
);
console.log(`kernel: ${bytes.length} bytes`);
