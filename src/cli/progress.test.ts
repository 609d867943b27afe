import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { countRecord, emptyTotals } from '../stages/observation.ts';
import { createProgress } from './progress.ts';

test('on a terminal one line is redrawn, without one there are lines of JSON', (t) => {
  for (const interactive of [true, false]) {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const written: string[] = [];
    const write = t.mock.method(process.stderr, 'write', (text: string) => written.push(text) > 0);
    const progress = createProgress({ topology: 'text', totalBytes: 1000, interactive, level: 'info' });
    const committed = emptyTotals();
    countRecord(committed, 'curated', 'curated.en', 10, () => 'a');
    countRecord(committed, 'rejected', 'dedup.near', 10, () => 'b');
    progress.sifted(5, 100);
    progress.committed(committed);
    t.mock.timers.tick(5000);
    progress.stop();
    const before = written.length;
    t.mock.timers.tick(60_000);
    write.mock.restore();
    t.mock.timers.reset();
    assert.equal(written.length, before, 'nothing comes after stop');
    if (interactive) {
      assert.match(
        stripVTControlCharacters(written[0]!),
        /^\rtext 2 records · .* · 50\.0 % kept · 3 under way · about \d+ s left$/,
      );
      assert.equal(written.at(-1), '\r\u001b[K', 'the line is wiped at the end');
    } else {
      assert.equal(written.length, 1);
      const line = JSON.parse(written[0]!) as Record<string, unknown>;
      assert.deepEqual(
        [line.level, line.message, line.records, line.backlog, line.keptRatio],
        ['info', 'progress', 2, 3, 0.5],
      );
    }
  }
});

test('the status page has plain numbers', () => {
  const progress = createProgress({ topology: 'text', totalBytes: 0, interactive: false, level: 'error' });
  progress.sifted(4, 10);
  assert.match(progress.status(), /^riffle text\nrecords 0\nrecords per second 0\nkept 0\.0 %\nunder way 4\n/);
  progress.stop();
});
