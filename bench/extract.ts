import { Readability } from '@mozilla/readability';
import { parseHTML } from 'linkedom';
import { type EvaluationPage, loadEvaluation, scoreExtraction } from '../src/operators/extract/evaluation.ts';
import { extractText } from '../src/operators/extract/extract.ts';
import { sharedPath } from '../src/testing/shared.ts';

/**
 * Main-text extraction on the pages of trafilatura's evaluation, beside Readability over linkedom in the same run
 * (`peers: false` leaves that out: it takes half a minute).
 */
export function run({ peers = true } = {}): void {
  const folder = sharedPath('data/web/trafilatura_eval');
  if (folder === undefined) {
    console.log('extraction: the shared test data is not there; nothing measured');
    return;
  }
  const pages = loadEvaluation(folder);
  const megabytes = pages.reduce((sum, { html }) => sum + Buffer.byteLength(html), 0) / 1e6;
  console.log(`main-text extraction, ${pages.length} pages, ${megabytes.toFixed(0)} MB of HTML`);
  console.log(
    'tool                               precision  recall     F1   empty   pages/CPU-s   MB/CPU-s   worst page',
  );
  const methods = new Map<string, number>();
  const ours = (html: string): string => {
    const { text, method } = extractText(html);
    methods.set(method, (methods.get(method) ?? 0) + 1);
    return text;
  };
  row('riffle, first pass', pages, megabytes, ours);
  methods.clear();
  row('riffle, warm', pages, megabytes, ours);
  const seconds = methods.get('readability') ?? 0;
  row('riffle, rules only', pages, megabytes, (html) => extractText(html, { secondLookBelow: 0 }).text);
  if (peers) row('Readability 0.6.0 on linkedom', pages, megabytes, readability);
  console.log(
    `second looks that were taken over: ${seconds} of ${pages.length} pages (${((100 * seconds) / pages.length).toFixed(1)} %)`,
  );
  console.log(
    'CPU time of one thread from string to text; warm: after one pass over the same pages. Not measured: charset decoding, I/O.',
  );
  console.log('The rules were tuned on these pages: expect somewhat less on others.');
}

function row(name: string, pages: EvaluationPage[], megabytes: number, extract: (html: string) => string): void {
  const texts = new Map<EvaluationPage, string>();
  let worst = 0;
  let total = 0;
  for (const page of pages) {
    const start = process.cpuUsage();
    texts.set(page, extract(page.html));
    const used = process.cpuUsage(start);
    const seconds = (used.user + used.system) / 1e6;
    total += seconds;
    worst = Math.max(worst, seconds);
  }
  const { precision, recall, f1, empty } = scoreExtraction(pages, (page) => texts.get(page) ?? '');
  const cells = [
    name.padEnd(33),
    precision.toFixed(4).padStart(11),
    recall.toFixed(4).padStart(7),
    f1.toFixed(4).padStart(6),
    String(empty).padStart(7),
    (pages.length / total).toFixed(0).padStart(13),
    (megabytes / total).toFixed(1).padStart(10),
    `${(1000 * worst).toFixed(0)} ms`.padStart(12),
  ];
  console.log(cells.join(' '));
}

function readability(html: string): string {
  try {
    return new Readability(parseHTML(html).document).parse()?.textContent ?? '';
  } catch {
    return '';
  }
}

if (import.meta.main) run({ peers: !process.argv.includes('--no-peers') });
