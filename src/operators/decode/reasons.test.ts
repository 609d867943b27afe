import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { decodeErrorCodes, decodeReasons } from './reasons.ts';

test('every code and reason is documented and used, and no other', () => {
  const docs = readFileSync(path.join(import.meta.dirname, '../../../docs/reference/inputs.md'), 'utf8');
  const code = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.ts') && !name.includes('test') && name !== 'reasons.ts')
    .map((name) => readFileSync(path.join(import.meta.dirname, name), 'utf8'))
    .join('\n');
  const listed = [...decodeErrorCodes, ...decodeReasons].toSorted();
  const names = (text: string): string[] =>
    [
      ...new Set(
        text.match(
          /(?<=['`])decode\.[a-z]+[A-Z0-9]\w*(?=['`])|(?<=['`])decode\.(?:bomb|truncated|unsupported)(?=['`])/g,
        ),
      ),
    ].toSorted();
  assert.deepEqual(names(docs), listed);
  assert.deepEqual(names(code), listed);
});
