import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../errors.ts';

const file = path.join(import.meta.dirname, '../../kernels/riffle.wasm');

let compiled: WebAssembly.Module | undefined;

/**
 * The compiled kernels, once for each thread. Every user makes instances of its own: 32-bit memory ends at 4 GiB an instance.
 * `ConfigError` when they have not been built.
 */
export function kernelModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(readKernels());
  return compiled;
}

function readKernels(): Buffer<ArrayBuffer> {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new ConfigError('kernel-missing', `kernels/riffle.wasm; cannot be read; run "npm run build:kernels"`, {
      cause,
    });
  }
}

/** What kernels/build.ts appended to the code under this name. */
export function kernelSection(name: string): Uint8Array<ArrayBuffer> {
  const [section] = WebAssembly.Module.customSections(kernelModule(), name);
  if (!section)
    throw new ConfigError('kernel-stale', `kernels/riffle.wasm; has no ${name}; run "npm run build:kernels"`);
  return new Uint8Array(section);
}

/** Exports of a new instance. `T` is what its purpose needs of them; a test compares the names with the module's. */
export function kernelInstance<T extends { memory: WebAssembly.Memory }>(): T {
  return new WebAssembly.Instance(kernelModule()).exports as T;
}

const WASM_PAGE = 65_536;

/** Grows `memory` to at least `bytes`. `RangeError` when the machine or the 4 GiB of an instance do not have them. */
export function growMemory(memory: WebAssembly.Memory, bytes: number): void {
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / WASM_PAGE);
  if (missing > 0) memory.grow(missing);
}
