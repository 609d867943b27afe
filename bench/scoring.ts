import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { bertNormalizer, bertPreTokenizer, Tokenizer, WordPiece as NativeWordPiece } from 'tokenizers';
import { loadScorers, shippedModels } from '../src/scoring/load.ts';
import { annotateRun, createProseMeter, PROSE_SIGNALS } from '../src/scoring/prose.ts';
import { createStage0 } from '../src/scoring/stage0.ts';
import { parseVocabulary } from '../src/scoring/vocabulary.ts';
import { createRuns, createWordPiece } from '../src/scoring/wordpiece.ts';
import { sharedPath } from '../src/testing/shared.ts';

const MAX_TOKENS = 512;
const ROUNDS = 25;
const NATIVE_ROUNDS = 3;

/** CPU microseconds of the fastest of some rounds; the rounds before it are the warm-up. */
async function cpuMicros(work: () => unknown, rounds = ROUNDS): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, user + system);
  }
  return best;
}

/** Real web documents that fill 512 tokens; without the shared data, the Markdown of the dependencies. */
function documents(): { origin: string; texts: string[] } {
  const file = sharedPath('data/web/crawl_docs_small/docs.jsonl.gz');
  if (file === undefined) {
    const names = ['typescript', 'zod', 'commander', 'htmlparser2', 'lmdb', 'fast-check', 'yaml', 'hono'];
    const texts = names.map((name) =>
      readFileSync(path.resolve(import.meta.dirname, `../node_modules/${name}/README.md`), 'utf8'),
    );
    return {
      origin: 'README files of dependencies',
      texts: texts.flatMap((text) => text.match(/[\s\S]{4000}/g) ?? []),
    };
  }
  const lines = gunzipSync(readFileSync(file)).toString('utf8').split('\n');
  const texts = lines.filter((line) => line !== '').map((line): string => (JSON.parse(line) as { text: string }).text);
  return { origin: 'crawl_docs_small', texts };
}

/** Tokens and documents per CPU-second of stage 0 at 512 tokens, beside the native `tokenizers` package. */
export async function run(): Promise<void> {
  const vocabularyText = readFileSync(path.join(shippedModels, 'vocab.txt'), 'utf8');
  const vocabulary = parseVocabulary(vocabularyText);
  const wordPiece = createWordPiece(vocabulary);
  const ids = new Int32Array(MAX_TOKENS);
  const { origin, texts } = documents();
  const full = texts.filter((text) => wordPiece.encode(Buffer.from(text), ids, 0, MAX_TOKENS) === MAX_TOKENS);
  const bytes = full.map((text) => new Uint8Array(Buffer.from(text)));
  const count = full.length;
  const tokens = count * MAX_TOKENS;

  const tokenize = await cpuMicros(() => {
    for (const one of bytes) wordPiece.encode(one, ids, 0, MAX_TOKENS);
  });
  const entries = Object.fromEntries(
    vocabularyText
      .trimEnd()
      .split('\n')
      .map((entry, id) => [entry, id]),
  );
  const native = new Tokenizer(NativeWordPiece.init(entries, { unkToken: '[UNK]', maxInputCharsPerWord: 100 }));
  native.setNormalizer(
    bertNormalizer({ cleanText: true, handleChineseChars: true, stripAccents: true, lowercase: true }),
  );
  native.setPreTokenizer(bertPreTokenizer());
  native.setTruncation(MAX_TOKENS);
  // Cut near 512 tokens first: the package tokenizes the whole text before it truncates.
  const cut = full.map((text) => text.slice(0, 3500));
  let nativeTokens = 0;
  const nativeMicros = await cpuMicros(async () => {
    nativeTokens = (await native.encodeBatch(cut)).reduce((sum, one) => sum + one.getLength(), 0);
  }, NATIVE_ROUNDS);

  const measure = createProseMeter();
  const signals = new Float64Array(PROSE_SIGNALS);
  const annotated = createWordPiece(vocabulary, { annotate: annotateRun });
  const runs = createRuns(2 * MAX_TOKENS);
  const proseAndTokens = await cpuMicros(() => {
    for (const one of bytes) {
      annotated.encode(one, ids, 0, MAX_TOKENS, runs);
      measure(one, runs, signals);
    }
  });
  const set = loadScorers();
  const stage0 = createStage0(set);
  const score = await cpuMicros(() => {
    for (const one of bytes) stage0.score(one);
  });
  const perSecond = (n: number, micros: number): string => Math.round((n / micros) * 1e6).toLocaleString('en');
  const each = (micros: number): string => `${(micros / count).toFixed(1)} µs`;
  console.log(
    `stage-0 scoring: ${count} documents of ${origin} with at least ${MAX_TOKENS} tokens, best of ${ROUNDS} rounds, warm, one thread`,
  );
  console.log(
    `  WordPiece, Riffle           ${each(tokenize).padStart(10)} a document  ${perSecond(tokens, tokenize).padStart(12)} tokens/CPU-s`,
  );
  console.log(
    `  WordPiece, npm tokenizers   ${each(nativeMicros).padStart(10)} a document  ${perSecond(nativeTokens, nativeMicros).padStart(12)} tokens/CPU-s`,
  );
  console.log(`  WordPiece and prose signals ${each(proseAndTokens).padStart(10)} a document`);
  console.log(
    `  stage 0, all of it          ${each(score).padStart(10)} a document  ${perSecond(count, score).padStart(12)} documents/CPU-s`,
  );
  console.log(
    '  not measured: reading files, decoding JSON, loading the models; a cold cache: words met for the first time cost about 1 µs each',
  );
}

if (import.meta.main) await run();
