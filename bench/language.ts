import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { getLIDModel } from 'fasttext.wasm.js';
import {
  createLanguageIdentifier,
  createPredictor,
  languageStart,
  type Prediction,
} from '../src/operators/language/identify.ts';
import { loadLanguageTable } from '../src/operators/language/table.ts';
import { sharedPath } from '../src/testing/shared.ts';

interface Piece {
  text: string;
  /** Primary subtag of its BCP 47 tag. */
  language: string;
}

/** Passes over the texts after the first one: their words are in the cache, the code is compiled. */
const warmPasses = 10;

/** Language identification beside fastText's own WebAssembly build: the same texts, the same run. */
export async function run(): Promise<void> {
  const udhr = pieces();
  const web = webTexts();
  if (udhr === undefined || web === undefined) {
    console.log('language: the shared test data is not there; nothing measured');
    return;
  }
  const loading = cpuMs(() => loadLanguageTable());
  const table = loading.result;
  const identifier = createLanguageIdentifier(table);
  const model = await (await getLIDModel()).load();
  const theirs = (text: string): Prediction => {
    const found = model.predict(text, 1, 0);
    const [probability, label] = found.get(0);
    found.delete();
    return { label: label.slice('__label__'.length), probability };
  };
  const suites = [
    { name: 'UDHR, 600 characters', texts: udhr.map(({ text }) => text) },
    { name: 'web documents', texts: web },
  ].map(({ name, texts }) => ({
    name,
    texts,
    peer: cpuMs(() => texts.map(theirs)),
    first: cpuMs(() => texts.map((text) => identifier.identify(text))).ms,
    warm: cpuMs(() => {
      for (let pass = 0; pass < warmPasses; pass++) for (const text of texts) identifier.identify(text);
    }).ms,
  }));
  const predict = createPredictor(table); // after the clocks: a second instance makes V8 compile code for both, slower
  console.log(`language identification, first 1,000 characters; table loaded in ${loading.ms.toFixed(0)} CPU-ms`);
  console.log(
    'texts                    n   same label   largest |Δp|   fasttext.wasm.js   ours, first pass   ours, warm',
  );
  for (const { name, texts, peer, first, warm } of suites) {
    const ours = texts.map(predict);
    const pairs = ours.map((found, i) => [found, peer.result[i]!] as const).filter(([a, b]) => a.label === b.label);
    const gap = Math.max(...pairs.map(([a, b]) => Math.abs(a.probability - b.probability)));
    const cells = [
      name.padEnd(20),
      String(texts.length).padStart(5),
      `${pairs.length}/${texts.length}`.padStart(12),
      gap.toExponential(1).padStart(14),
      ...[peer.ms, first, warm / warmPasses].map((ms, i) =>
        `${((1000 * ms) / texts.length).toFixed(1)} µs`.padStart([18, 18, 12][i]!),
      ),
    ];
    console.log(cells.join(' '));
  }
  accuracy(udhr, table.labels, (text) => identifier.identify(text));
  console.log(
    'CPU time a text, one thread; reading and splitting of the texts is not measured; fasttext.wasm.js is warm from its own load.',
  );
}

function accuracy(
  udhr: Piece[],
  labels: string[],
  identify: (text: string) => { label: string; confidence: number },
): void {
  const known = new Set(labels);
  const scored = udhr
    .filter(({ language }) => known.has(language))
    .map((piece) => ({ piece, found: identify(piece.text) }));
  const right = scored.filter(({ piece, found }) => piece.language === found.label);
  const sure = scored.filter(({ found }) => found.confidence >= 0.65);
  const sureRight = sure.filter(({ piece, found }) => piece.language === found.label);
  const languages = new Set(scored.map(({ piece }) => piece.language)).size;
  const rest = udhr.filter(({ language }) => !known.has(language)).map(({ text }) => identify(text));
  const english = (least: number) =>
    rest.filter(({ label, confidence }) => label === 'en' && confidence >= least).length;
  const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`;
  console.log(
    `UDHR accuracy, ${languages} languages that the table knows: ${percent(right.length, scored.length)} of ${scored.length} pieces; ` +
      `at confidence ≥ 0.65 ${percent(sureRight.length, sure.length)} of the ${percent(sure.length, scored.length)} that remain`,
  );
  console.log(
    `UDHR in other languages called English: ${percent(english(0), rest.length)} of ${rest.length}; at ≥ 0.65 ${percent(english(0.65), rest.length)}`,
  );
}

function pieces(): Piece[] | undefined {
  const file = sharedPath('data/langid/udhr/udhr.jsonl.gz');
  return file === undefined
    ? undefined
    : lines(file).flatMap(({ text, bcp47 }) =>
        [text.slice(0, 600), text.slice(900, 1500)]
          .map((piece) => piece.toWellFormed().replace(/\s+/g, ' ').trim())
          .filter((piece) => piece !== '')
          .map((piece) => ({ text: piece, language: bcp47?.split('-')[0] ?? 'und' })),
      );
}

function webTexts(): string[] | undefined {
  const files = ['data/web/crawl_docs_small/docs.jsonl.gz', 'data/web/dolma_cc_head_samples/cc_docs.jsonl.gz'].map(
    sharedPath,
  );
  return files.includes(undefined)
    ? undefined
    : files
        .flatMap((file) => lines(file!))
        .map(({ text }) => languageStart(text).toWellFormed().replace(/\s+/g, ' ').trim())
        .filter((text) => text !== '');
}

function lines(file: string): { text: string; bcp47?: string }[] {
  const rows = gunzipSync(readFileSync(file)).toString().trim().split('\n');
  return rows.map((row): { text: string; bcp47?: string } => JSON.parse(row));
}

function cpuMs<T>(work: () => T): { result: T; ms: number } {
  const start = process.cpuUsage();
  const result = work();
  const used = process.cpuUsage(start);
  return { result, ms: (used.user + used.system) / 1000 };
}

if (import.meta.main) await run();
