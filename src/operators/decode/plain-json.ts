/**
 * The JSON records that most inputs are made of, read without JSON.parse and, where nobody asks for one, without a JavaScript string: a kernel
 * checks the bytes and finds the text in them. It takes only records whose output can be spliced (splice.ts) and whose text it is sure of;
 * `decodeJson` gives the same for them, and decides about all others.
 */
import { isUtf8 } from 'node:buffer';
import { growMemory, kernelInstance } from '../../runtime/kernel.ts';
import { refusedKey, type Splice } from './splice.ts';

interface JsonKernel {
  readonly memory: WebAssembly.Memory;
  readonly JSON_BYTES: WebAssembly.Global;
  readonly JSON_FOUND: WebAssembly.Global;
  readonly JSON_IN: WebAssembly.Global;
  readonly JSON_MEMORY: WebAssembly.Global;
  readonly readJson: (length: number) => number;
}

export interface PlainRecord {
  readonly splice: Splice;
  /** UTF-8, not blank. Valid until the next record is read. */
  readonly text: Uint8Array;
  /** To be called before that, too. */
  readonly url: () => string | undefined;
}

export interface PlainJsonReader {
  /** Undefined: ask `decodeJson`. */
  read(bytes: Uint8Array): PlainRecord | undefined;
  /** The text of an output object that lacks its closing brace. Undefined: ask JSON.parse. */
  textOf(open: Uint8Array): Uint8Array | undefined;
}

/** What the kernel writes before the foreign members: see `readJson` there. */
const START = 0;
const OWN_END = 1;
const HAS_METADATA = 2;
const TEXT = 3;
const TEXT_BYTES = 4;
const URL_START = 5;
const URL_END = 6;
const MEMBERS = 7;
const MAX_FOREIGN = 64;
const closeBrace = 125;

/** One for each thread; 2 MiB. */
export function createPlainJsonReader(): PlainJsonReader {
  const kernel = kernelInstance<JsonKernel>();
  growMemory(kernel.memory, Number(kernel.JSON_MEMORY.value));
  const { buffer } = kernel.memory;
  const mostBytes = Number(kernel.JSON_BYTES.value);
  const input = Buffer.from(buffer, Number(kernel.JSON_IN.value), mostBytes);
  const found = new Int32Array(buffer, Number(kernel.JSON_FOUND.value), MEMBERS + 4 * MAX_FOREIGN);

  const text = () => new Uint8Array(buffer, found[TEXT], found[TEXT_BYTES]);

  function url(): string | undefined {
    if (found[URL_END] === 0) return undefined;
    const json = input.toString('utf8', found[URL_START], found[URL_END]);
    return json.includes('\\') ? String(JSON.parse(json)) : json.slice(1, -1);
  }

  /** The foreign members as text, to be spliced into `metadata`; undefined where one must not go there as it is. */
  function tail(count: number): string | undefined {
    if (found[HAS_METADATA] === 1) return undefined;
    const members: string[] = [];
    const seen = new Set<string>();
    for (let i = 0, at = MEMBERS; i < count; i++, at += 4) {
      const key = input.toString('utf8', found[at], found[at + 1]);
      if (seen.has(key) || refusedKey.test(key)) return undefined;
      seen.add(key);
      members.push(`"${key}":${input.toString('utf8', found[at + 2], found[at + 3])}`);
    }
    return `,"metadata":{${members.join(',')}}`;
  }

  return {
    read(bytes) {
      if (bytes.length > mostBytes || !isUtf8(bytes)) return undefined;
      input.set(bytes);
      const foreign = kernel.readJson(bytes.length);
      if (foreign < 0) return undefined;
      const spliced = foreign === 0 ? '' : tail(foreign);
      if (spliced === undefined) return undefined;
      return { splice: { start: found[START]!, end: found[OWN_END]!, tail: spliced }, text: text(), url };
    },
    textOf(open) {
      if (open.length >= mostBytes) return undefined;
      input.set(open);
      input[open.length] = closeBrace;
      return kernel.readJson(open.length + 1) < 0 ? undefined : text();
    },
  };
}
