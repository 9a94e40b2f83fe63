import { WASM_BASE64 } from './wasm.js';

// TypeScript declares WebAssembly only together with the browser's whole DOM; this is the part used here.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: unknown;
  }
  class Memory {
    constructor(limits: { initial: number; maximum: number; shared: true });
    readonly buffer: SharedArrayBuffer;
    grow(pages: number): number;
  }
}

/** A WASM memory that threads share; it can be posted to a worker thread. */
export interface SharedWasmMemory {
  /** Another object after each growth; views of the older ones stay valid. */
  readonly buffer: SharedArrayBuffer;
  grow(pages: number): number;
}

let compiled: WebAssembly.Module | undefined;

/** @param initial, maximum pages of 64 KiB */
export function newMemory(initial: number, maximum: number): SharedWasmMemory {
  return new WebAssembly.Memory({ initial, maximum, shared: true });
}

/** All bytes of the memory, up to `end` at least: another thread may have made it grow since this one looked. */
export function memoryBytes(memory: SharedWasmMemory, end: number): Uint8Array {
  // Growing by nothing gives this thread's object the new size.
  if (memory.buffer.byteLength < end) memory.grow(0);
  return new Uint8Array(memory.buffer);
}

/** Makes an instance of the training's kernel on the memory; compiles it first, once a thread. Gives its exports. */
export function instantiate(memory: SharedWasmMemory): unknown {
  compiled ??= new WebAssembly.Module(Buffer.from(WASM_BASE64, 'base64'));
  const abort = (): never => {
    throw new Error('kernel abort');
  };
  return new WebAssembly.Instance(compiled, { env: { memory, abort } }).exports;
}
