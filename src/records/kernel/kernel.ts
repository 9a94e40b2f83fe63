import { ShardfeedError } from '../../errors.js';
import { WASM_BASE64 } from './wasm.js';

// TypeScript declares WebAssembly only together with the browser's whole DOM; this is the part used here.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
    static imports(module: Module): { module: string; name: string }[];
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: unknown;
  }
  class Memory {
    constructor(limits: { initial: number; maximum: number });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
}

/** What assembly/index.ts exports; numbers are u32 addresses, lengths and counts unless said otherwise there. */
export type KernelExports = Readonly<Record<string, (...args: number[]) => number>>;

/** Functions that the kernel calls: the slow, exact paths that stay in TypeScript. */
export type KernelImports = Readonly<Record<string, (...args: number[]) => number>>;

const PAGE = 65536;
/** The kernel's own data. */
const LEAST_PAGES = 2;
/** The memory grows by as much as there is, 4 to 64 MiB: each time costs a collector's round, and what is not touched takes no memory. */
const LEAST_GROWTH = 64;
const MOST_GROWTH = 1024;
/** 2 GiB: addresses stay positive as 32 bit signed numbers. */
const MAX_PAGES = 32768;

/** The compiled module: an object that can be posted to a worker thread. */
export type KernelModule = object;

let compiled: WebAssembly.Module | undefined;

/** Compiles the module, once a process. */
export function kernelModule(): KernelModule {
  compiled ??= new WebAssembly.Module(fromBase64(WASM_BASE64));
  return compiled;
}

/** Node's Buffer, where it is there, takes a hundredth of the time. */
function fromBase64(text: string): Uint8Array {
  if (typeof Buffer !== 'undefined') return Buffer.from(text, 'base64');
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

/** Takes over the module that another thread compiled, and with it the code that was optimised there. */
export function adoptKernelModule(module: KernelModule): void {
  compiled ??= module as WebAssembly.Module;
}

/**
 * One instance of the WASM module with a memory of its own, and a bump allocator over that memory. An instance serves
 * one owner at a time. Views of the memory die when it grows: take them anew after `alloc`.
 */
export class Kernel {
  readonly exports: KernelExports;
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  #top: number;
  #u8: Uint8Array;
  #view: DataView;

  /** `bytes` of memory are there at once: what will be wanted soon. What is not touched takes none. */
  constructor(imports: KernelImports = {}, bytes = 0) {
    const module = kernelModule() as WebAssembly.Module;
    this.memory = new WebAssembly.Memory({ initial: LEAST_PAGES + Math.ceil(bytes / PAGE), maximum: MAX_PAGES });
    const abort = (): never => {
      throw new Error('kernel abort');
    };
    const host: Record<string, unknown> = { memory: this.memory, abort, hostParseDouble: this.#parseDouble };
    for (const { module: from, name } of WebAssembly.Module.imports(module)) {
      if (from === 'env' && !(name in host)) host[name] = imports[name] ?? abort;
    }
    const instance = new WebAssembly.Instance(module, { env: host });
    this.exports = instance.exports as KernelExports;
    this.exports.crc32cInit!();
    this.#top = this.exports.heapBase!();
    this.#u8 = new Uint8Array(this.memory.buffer);
    this.#view = new DataView(this.memory.buffer);
    this.exports.crc32cLanesInit!(this.alloc(this.exports.crc32cScratchBytes!()));
  }

  /** All of the memory, borrowed until the next `alloc`. */
  get u8(): Uint8Array {
    return this.#u8;
  }
  get view(): DataView {
    return this.#view;
  }

  /** Reserves bytes, 16-aligned, not zeroed, with 32 bytes of slack behind them so that vector loads may overrun. */
  alloc(bytes: number): number {
    const address = (this.#top + 15) & ~15;
    this.#top = address + bytes + 32;
    const missing = Math.ceil((this.#top - this.memory.buffer.byteLength) / PAGE);
    if (missing > 0) this.#grow(missing);
    return address;
  }

  /** Grows a reservation in place; false, and nothing done, where another one lies behind it. */
  extend(address: number, bytes: number, to: number): boolean {
    if (this.#top !== address + bytes + 32) return false;
    this.#top = address;
    this.alloc(to);
    return true;
  }

  /** The current end of what is reserved; give it to `release` to free all that was reserved since. */
  mark(): number {
    return this.#top;
  }
  release(mark: number): void {
    this.#top = mark;
  }

  /** Copies bytes in and returns their address. */
  put(bytes: Uint8Array): number {
    const address = this.alloc(bytes.length);
    this.#u8.set(bytes, address);
    return address;
  }

  /** The number that ASCII text in memory stands for: what the kernels' own parser leaves undecided, once in millions. */
  readonly #parseDouble = (address: number, length: number): number => {
    return Number(new TextDecoder('latin1').decode(this.#u8.subarray(address, address + length)));
  };

  #grow(pages: number): void {
    const there = this.memory.buffer.byteLength / PAGE;
    const growth = Math.max(LEAST_GROWTH, Math.min(there, MOST_GROWTH));
    try {
      this.memory.grow(Math.max(pages, Math.min(MAX_PAGES - there, growth)));
    } catch (cause) {
      throw new ShardfeedError('SHARDFEED_RANGE', 'the kernel needs more than 2 GiB of memory', { cause });
    }
    this.#u8 = new Uint8Array(this.memory.buffer);
    this.#view = new DataView(this.memory.buffer);
  }
}
