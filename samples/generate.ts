import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildCrawl, crawlFile } from './crawl/crawl.ts';

/** `node samples/generate.ts` writes `crawl.warc.gz` and `truth.json` beside itself; the texts of `texts/` are its only input. */
const crawl = buildCrawl();
const file = crawlFile(crawl);
writeFileSync(path.join(import.meta.dirname, 'crawl.warc.gz'), file);
writeFileSync(
  path.join(import.meta.dirname, 'truth.json'),
  `[\n${crawl.truth.map((entry) => JSON.stringify(entry)).join(',\n')}\n]\n`,
);

const kinds = Map.groupBy(crawl.truth, (entry) => entry.kind);
for (const [kind, entries] of [...kinds].sort(([a], [b]) => a.localeCompare(b)))
  console.log(`${kind.padEnd(14)} ${entries.length}`);
console.log(`${crawl.truth.length} inputs in ${crawl.records.length} records, ${file.length} bytes`);
