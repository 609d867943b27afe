/** Every reason and error code that the sources write stands in a closed list that `riffle describe` prints. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { deadLetterCodes } from '../../src/cli/describe.ts';
import { reasonFamily } from '../../src/model/reasons.ts';
import { decodeReasons } from '../../src/operators/decode/reasons.ts';
import { operatorSpecs } from '../../src/operators/specs.ts';
import { decisionReasons } from '../../src/pruning/decide.ts';
import { repository, sourceFiles } from './imports.ts';

const specs = Object.values(operatorSpecs);
const reasons: readonly string[] = [...decodeReasons, ...specs.flatMap((spec) => spec.reasons), ...decisionReasons];

test('a reason is <family>.<rule> or <family>@<profile>.<rule>, and stands in one list', () => {
  for (const reason of reasons) assert.match(reason, /^[a-z][a-z0-9-]*(?:@[a-z0-9]+)?\.[a-z][A-Za-z0-9]*$/);
  assert.equal(new Set(reasons).size, reasons.length);
  assert.equal(new Set(deadLetterCodes).size, deadLetterCodes.length);
  assert.deepEqual(
    deadLetterCodes.filter((code) => reasons.includes(code)),
    [],
  );
});

test('the reason of a rule begins with the signal or the operator that it is about', () => {
  for (const { name, reasons: own, signals } of specs)
    for (const reason of own) assert.ok([name, ...signals].includes(reasonFamily(reason)), reason);
});

/** Texts in the sources that a pattern catches. */
const written = (pattern: RegExp) =>
  sourceFiles('src').flatMap((file) =>
    [...readFileSync(path.join(repository, file), 'utf8').matchAll(pattern)].map(([, text]) => ({ file, text: text! })),
  );

test('every reason written in the sources is listed', () => {
  const found = written(/\b(?:reason|rejected):\s*'([^'.]+\.[^']+)'/g);
  assert.ok(found.length >= 5, `${found.length} found`);
  assert.deepEqual(
    found.filter(({ text }) => !reasons.includes(text)),
    [],
  );
});

test('every error code of a record is listed', () => {
  const found = written(/new RecordError\(\s*'[^']*',\s*'([^']+)'/g);
  assert.ok(found.length >= 1, `${found.length} found`);
  const codes = [...found, ...written(/\bdecodeError\(\s*'([^']+)'/g)];
  assert.deepEqual(
    codes.filter(({ text }) => !deadLetterCodes.includes(text)),
    [],
  );
});
