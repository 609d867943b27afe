/** The host's side of kernels/assembly/wordpiece.ts: its memory, and what its numbers mean. */
import { growMemory, kernelInstance } from '../runtime/kernel.ts';

export const isSpace = (b: number): boolean => b === 32 || b === 9 || b === 10 || b === 13;
export const isWordByte = (b: number): boolean => (b >= 48 && b <= 57) || (b >= 65 && b <= 90) || (b >= 97 && b <= 122);
const isControl = (b: number): boolean => (b < 32 && !isSpace(b)) || b === 127;

/**
 * The byte as it counts inside a run, or 0 where a run ends: at a space or ASCII punctuation. Letters are lower-cased; a NUL becomes
 * the control code 1, which is removed just the same.
 */
export const runByte: Uint8Array = new Uint8Array(256);
for (let b = 0; b < 256; b++) {
  const inRun = isWordByte(b) || isControl(b) || b >= 128;
  runByte[b] = !inRun ? 0 : b === 0 ? 1 : b >= 65 && b <= 90 ? b + 32 : b;
}

interface PiecesKernel {
  readonly memory: WebAssembly.Memory;
  readonly PIECES_BYTES: WebAssembly.Global;
  readonly PIECES_GAPS: WebAssembly.Global;
  readonly PIECES_IDS: WebAssembly.Global;
  readonly PIECES_LOWER: WebAssembly.Global;
  readonly PIECES_RUNS: WebAssembly.Global;
  readonly PIECES_SLOTS: WebAssembly.Global;
  readonly PIECES_STATE: WebAssembly.Global;
  readonly PIECES_TEXT: WebAssembly.Global;
  readonly piecesBytes: (slots: number) => number;
  readonly readPieces: () => number;
}

/** Entries of the state: places in the text, and numbers of ids and runs, are those of the piece in work. */
export const AT = 0;
export const IDS = 1;
export const COUNT = 2;
export const TEXT_END = 3;
export const MAX_IDS = 4;
export const MAX_RUNS = 5;
const SLOTS = 6;
export const LAST = 7;
export const RUN_END = 8;
export const LOW = 10;
export const HIGH = 11;
export const HASH = 12;
export const PROBE = 13;
const STATE = 14;

/** Answers of the kernel. */
export const UNKNOWN = 1;
export const CUT = 2;

/**
 * A cache slot is half a cache line of eight 32-bit words: the last eight bytes of the run in two, its length and, in the low byte, the number
 * of its ids, the one id or the place of the ids, its annotation, its hash, and the place of its key.
 */
export const SLOT_WORDS = 8;
export const RUN = -2;
export const SPACE_GAP = -1;

/** An instance with room for so many slots, a power of two, and views of its memory. */
export function openPiecesKernel(slots: number) {
  const kernel = kernelInstance<PiecesKernel>();
  growMemory(kernel.memory, kernel.piecesBytes(slots));
  const { buffer } = kernel.memory;
  const at = (address: WebAssembly.Global) => Number(address.value);
  const pieceBytes = at(kernel.PIECES_BYTES);
  const mostRuns = pieceBytes / 2;
  const slotsAt = at(kernel.PIECES_SLOTS);
  const keysAt = slotsAt + slots * SLOT_WORDS * 4;
  const column = (i: number) => new Int32Array(buffer, at(kernel.PIECES_RUNS) + 4 * i * mostRuns, mostRuns);
  new Uint8Array(buffer, at(kernel.PIECES_LOWER), 256).set(runByte);
  const state = new Int32Array(buffer, at(kernel.PIECES_STATE), STATE);
  state[SLOTS] = slots;
  return {
    read: kernel.readPieces,
    state,
    pieceBytes,
    gaps: new Int32Array(buffer, at(kernel.PIECES_GAPS), 256),
    /** Text, and a blank behind it. */
    text: new Uint8Array(buffer, at(kernel.PIECES_TEXT), pieceBytes + 16),
    ids: new Int32Array(buffer, at(kernel.PIECES_IDS), pieceBytes),
    runs: { from: column(0), to: column(1), hash: column(2), note: column(3), capitals: column(4) },
    mostRuns,
    slot: new Int32Array(buffer, slotsAt, slots * SLOT_WORDS),
    keys: new Uint8Array(buffer, keysAt, slots * 12),
    cached: new Int32Array(buffer, keysAt + slots * 12, slots * 4),
  };
}
