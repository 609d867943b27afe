import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ConfigError } from '../errors.ts';
import { registryOptionsSchema } from './options.ts';
import { registryFrom } from './registry.ts';

const url = 'http://127.0.0.1:1';
const refusedAt = (options: object): string | undefined =>
  registryOptionsSchema.safeParse(options).error?.issues[0]?.path.join('.');

test('nothing is needed, and without an address nothing is used', () => {
  assert.equal(registryOptionsSchema.parse({}).url, undefined);
});

test('credentials: one way, whole, and not in the address', () => {
  assert.equal(refusedAt({ url: 'http://me:secret@registry' }), 'url');
  assert.equal(refusedAt({ url: 'ftp://registry' }), 'url');
  assert.equal(refusedAt({ url, username: 'me' }), 'username');
  assert.equal(refusedAt({ url, passwordFile: 'a' }), 'username');
  assert.equal(refusedAt({ url, username: 'me', passwordFile: 'a', tokenFile: 'b' }), 'tokenFile');
  assert.equal(refusedAt({ url, username: 'me', passwordFile: 'b' }), undefined);
});

test('secrets come from their files, without the line feed at the end', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'secret');
  writeFileSync(file, 'hush\n');
  const from = (options: object) =>
    registryFrom({ ...registryOptionsSchema.parse({ url, ...options }), url }, new Map());
  assert.deepEqual(from({ username: 'me', passwordFile: file }).auth, { username: 'me', password: 'hush' });
  assert.deepEqual(from({ tokenFile: file }).auth, { token: 'hush' });
  assert.equal(from({}).auth, undefined);
  assert.throws(() => from({ tokenFile: path.join(folder, 'none') }), ConfigError);
});
