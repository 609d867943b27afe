import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { failures, filterLimitsSchema } from '../src/operators/filters/limits.ts';
import { naiveSignals } from '../src/operators/filters/naive.ts';
import { createRuleScanner } from '../src/operators/filters/scanner.ts';
import { profileNames } from '../src/operators/filters/signals.ts';
import { writeSignals } from '../src/operators/filters/write-signals.ts';
import { sharedPath } from '../src/testing/shared.ts';

/**
 * CPU time of the four rule profiles, spaCy tokens: the scanner, the plain rules and the writing of signals, in one run.
 * `node bench/filters.ts [--corpus FILE.jsonl] [--documents N]`.
 */
function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function row(name: string, texts: readonly string[], passes: number, work: (text: string) => void): void {
  const seconds = cpuSeconds(() => {
    for (let pass = 0; pass < passes; pass++) for (const text of texts) work(text);
  });
  const documents = texts.length * passes;
  const units = texts.reduce((total, text) => total + text.length, 0) * passes;
  const per = (seconds * 1e6) / documents;
  console.log(
    `  ${name.padEnd(34)} ${(documents / seconds).toFixed(0).padStart(8)} documents/CPU-s ${per.toFixed(1).padStart(8)} µs/document ` +
      `${((per * 3300 * documents) / units).toFixed(1).padStart(8)} µs/3.3 KB ${(units / 1e6 / seconds).toFixed(1).padStart(7)} MB/CPU-s`,
  );
}

function measure(name: string, texts: readonly string[], warmUp: readonly string[]): void {
  const mean = texts.reduce((total, text) => total + text.length, 0) / texts.length;
  console.log(`${name}: ${texts.length} documents, mean ${mean.toFixed(0)} characters`);
  const scanner = createRuleScanner({ profiles: profileNames, tokens: 'spacy' });
  const whitespace = createRuleScanner({ profiles: profileNames, tokens: 'whitespace' });
  for (const text of warmUp) {
    scanner.scan(text);
    whitespace.scan(text);
  }
  row('scanner, texts never seen', texts, 1, (text) => void scanner.scan(text));
  row('scanner, again', texts, 3, (text) => void scanner.scan(text));
  for (const text of texts) whitespace.scan(text);
  row('scanner, white-space words, again', texts, 3, (text) => void whitespace.scan(text));
  const signals = texts.slice(0, 2000).map((text) => scanner.scan(text));
  let next = 0;
  row('signals to JSON', texts, 3, () => void writeSignals(signals[next++ % signals.length]!));
  const limits = filterLimitsSchema.parse({});
  row('decisions', texts, 3, () => void failures(signals[next++ % signals.length]!, limits));
  const some = texts.slice(0, 100);
  for (const text of some.slice(0, 10)) naiveSignals(text, 'spacy');
  row('plain rules (100 documents)', some, 1, (text) => void naiveSignals(text, 'spacy'));
}

function samples(): string[] {
  const files = ['data/web/crawl_docs_small/docs.jsonl.gz', 'data/web/dolma_cc_head_samples/cc_docs.jsonl.gz'];
  return files.flatMap((file) => {
    const path = sharedPath(file);
    if (path === undefined) return [];
    const lines = gunzipSync(readFileSync(path)).toString('utf8').split('\n');
    return lines.filter((line) => line !== '').map(textOf);
  });
}

function textOf(line: string): string {
  const record: { text: string } = JSON.parse(line);
  return record.text;
}

async function corpus(path: string, documents: number): Promise<string[]> {
  const texts: string[] = [];
  for await (const line of createInterface({ input: createReadStream(path) })) {
    texts.push(textOf(line));
    if (texts.length === documents) break;
  }
  return texts;
}

export async function run(args: readonly string[] = []): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { corpus: { type: 'string' }, documents: { type: 'string', default: '20000' } },
  });
  const web = samples();
  if (web.length > 0) {
    // Half warms the compiler and the cache up, the other half is new to it.
    measure('web pages (crawl_docs_small, dolma)', web.slice(web.length / 2), web.slice(0, web.length / 2));
  }
  if (values.corpus !== undefined && existsSync(values.corpus)) {
    const texts = await corpus(values.corpus, Number(values.documents));
    measure(values.corpus, texts.slice(2000), texts.slice(0, 2000));
  }
  console.log('Warm-up: the first half of the pages, or 2,000 documents. Not measured: reading, parsing, start-up.');
}

if (import.meta.main) await run(process.argv.slice(2));
