import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareFixtures } from '../../../bench/fixtures.ts';
import { shared } from '../../testing/shared.ts';

test("every golden row of the peer's four filters passes, or is listed with its proof", (t) => {
  if (shared(t, 'fixtures/datatrove/golden_c4.jsonl.gz') === undefined) return;
  const suites = compareFixtures() ?? [];
  const rows = suites.reduce((total, suite) => total + suite.total, 0);
  assert.ok(rows > 2600, `only ${rows} rows were found`);
  const unexplained = suites.flatMap((suite) => suite.failed).filter((failure) => failure.proof === undefined);
  assert.deepEqual(unexplained, []);
});
