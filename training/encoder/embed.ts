import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync } from 'node:fs';
import path from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import type { WordPiece } from '../../src/scoring/wordpiece.ts';
import { sha256Of } from './cache.ts';

/** Tokens of a window with [CLS] and [SEP]. */
export const WINDOW_TOKENS = 128;

/** The ids of a text's first window as the encoder takes them: [CLS], at most `tokens` − 2 of the text, [SEP]. */
export function windowIds(wordPiece: WordPiece, text: string, tokens: number = WINDOW_TOKENS): Int32Array<ArrayBuffer> {
  const ids = new Int32Array(tokens);
  const count = wordPiece.encode(new TextEncoder().encode(text), ids, 1, tokens - 2);
  ids[0] = wordPiece.vocabulary.classify;
  ids[count + 1] = wordPiece.vocabulary.separate;
  return ids.slice(0, count + 2);
}

/** A session on one core whose threads do not spin. */
export async function openGraph(graph: Uint8Array | string): Promise<InferenceSession> {
  const { InferenceSession } = (await import('onnxruntime-node')).default;
  const options: InferenceSession.SessionOptions = {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  };
  return typeof graph === 'string' ? InferenceSession.create(graph, options) : InferenceSession.create(graph, options);
}

/** Runs windows of any lengths as one batch, padded with zeros. */
export async function runWindows(
  session: InferenceSession,
  windows: readonly Int32Array[],
): Promise<{ embedding: Float32Array; logits: Float32Array | undefined }> {
  const { Tensor } = (await import('onnxruntime-node')).default;
  const width = Math.max(...windows.map((ids) => ids.length));
  const ids = new Int32Array(windows.length * width);
  for (const [row, window] of windows.entries()) ids.set(window, row * width);
  const out = await session.run({
    input_ids: new Tensor('int32', ids, [windows.length, width]),
    lengths: new Tensor(
      'int32',
      Int32Array.from(windows, (window) => window.length),
      [windows.length],
    ),
  });
  const numbers = (name: string): Float32Array | undefined => out[name]?.data as Float32Array | undefined;
  return { embedding: numbers('embedding')!, logits: numbers('logits') };
}

const KEY_BYTES = 16;

/** Embeddings of one graph that were computed before, in a file to which new ones are added: a training that is stopped loses none. */
export interface EmbeddingCache {
  /** The embedding of each window, in order; windows are run one at a time, at their exact length. */
  embed(windows: readonly Int32Array[], progress?: (done: number, all: number) => void): Promise<Float32Array[]>;
}

/** Embeddings of `hidden` numbers by the graph in `graphFile`, kept in a file of its own under `folder`. */
export function openEmbeddings(folder: string, graphFile: string, hidden: number): EmbeddingCache {
  const graph = readFileSync(graphFile);
  mkdirSync(folder, { recursive: true });
  const file = embeddingsFile(folder, sha256Of(graph));
  const known = readEntries(file, hidden);
  const keyOf = (ids: Int32Array): string =>
    createHash('sha256')
      .update(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength))
      .digest()
      .toString('hex', 0, KEY_BYTES);
  return {
    async embed(windows, progress) {
      const keys = windows.map(keyOf);
      const session = keys.every((key) => known.has(key)) ? undefined : await openGraph(graph);
      for (const [i, ids] of windows.entries()) {
        if (session === undefined) break;
        const key = keys[i]!;
        if (known.has(key)) continue;
        const vector = (await runWindows(session, [ids])).embedding.slice();
        known.set(key, vector);
        appendFileSync(file, Buffer.concat([Buffer.from(key, 'hex'), new Uint8Array(vector.buffer)]));
        progress?.(i + 1, windows.length);
      }
      await session?.release();
      return keys.map((key) => known.get(key)!);
    },
  };
}

/** Where the embeddings by a graph are kept. The same encoder with other heads is another graph: copy them. */
export function embeddingsFile(folder: string, graphSha256: string): string {
  return path.join(folder, `${graphSha256}.embeddings`);
}

/** The last entry may have been cut off: it is removed, so that what is added after it is found. */
function readEntries(file: string, width: number): Map<string, Float32Array> {
  const entries = new Map<string, Float32Array>();
  if (!existsSync(file)) return entries;
  const bytes = readFileSync(file);
  const entryBytes = KEY_BYTES + 4 * width;
  truncateSync(file, bytes.length - (bytes.length % entryBytes));
  for (let at = 0; at + entryBytes <= bytes.length; at += entryBytes) {
    const vector = new Float32Array(width);
    new Uint8Array(vector.buffer).set(bytes.subarray(at + KEY_BYTES, at + entryBytes));
    entries.set(bytes.toString('hex', at, at + KEY_BYTES), vector);
  }
  return entries;
}
