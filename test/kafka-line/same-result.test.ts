/** What carries the topics decides nothing: a broker gives every record the outcome, reason and signals of a bounded run over the file. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { riffle, temporaryFolder } from '../integration/riffle.ts';
import { withSharedBroker } from '../kafka/brokers.ts';
import { type Decided, openLine } from './line.ts';

const crawl = path.resolve(import.meta.dirname, '../../samples/crawl.warc.gz');

withSharedBroker((broker) => {
  suite('the same result as the embedded log', () => {
    for (const topology of ['web-crawl', 'text'])
      test(`${topology} over the sample crawl`, async (t) => {
        const output = temporaryFolder(t);
        const { code, stderr } = await riffle({ topology, input: [crawl], output, set: ['workers=1'] });
        assert.equal(code, 0, stderr);

        const line = await openLine(t, await broker(), { topology });
        const { records } = await line.feed(crawl);
        const running = line.start();
        await line.drained();
        running.child.kill('SIGTERM');
        await running.ended;

        const expected = inOrder(readFiles(output));
        assert.equal(records, expected.length);
        const actual = inOrder(await line.outputs());
        assert.equal(actual.length, expected.length);
        for (const [i, record] of expected.entries()) assert.deepEqual(actual[i], record);
      });
  });
});

type Found = Decided & { readonly output: string };

function readFiles(folder: string): Found[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => {
      const lines = readFileSync(path.join(folder, name), 'utf8').split('\n').filter(Boolean);
      return lines.map((text): Found => ({ output: name.replace('.jsonl', ''), ...(JSON.parse(text) as Decided) }));
    });
}

const POSITION = /^\S+\.raw-\S+@\d+$/;

/** In the order of the input, with the number of a record instead of its position: a file's are bytes, a topic's are messages. */
function inOrder(records: readonly Found[]): unknown[] {
  const sorted = records
    .filter(({ output }) => output !== 'control')
    .toSorted((a, b) => (BigInt(a.position.offset) < BigInt(b.position.offset) ? -1 : 1));
  const numbers = new Map(sorted.map(({ position }, i) => [position.offset, i]));
  return sorted.map(({ output, id, url, decision, signals, error }) => ({
    output,
    // Where a record has no id of its own, it is its position.
    id: id === undefined || POSITION.test(id) ? 'position' : id,
    url,
    // Samples are drawn by position, too.
    decision: { ...decision, draw: undefined },
    signals: JSON.parse(JSON.stringify(signals ?? null), (key, value: unknown) =>
      key === 'duplicateOf' && value !== null ? numbers.get((value as Decided['position']).offset) : value,
    ) as unknown,
    error: error?.code,
  }));
}
