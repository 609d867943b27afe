import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { folderOf } from '../testing/encoder-folder.ts';
import { checkTopology } from './check.ts';
import { loadTopology } from './load-topology.ts';

/** What `riffle check` finds with an encoder of this folder beside the shipped scorers. */
async function check(folder: string): Promise<readonly string[]> {
  const names = 'scoring.scorers=[quality/base@1, toxicity/base@1, test/count@1]';
  const loaded = await loadTopology('text', { set: [`scoring.directory=${folder}`, names] });
  return (await checkTopology(loaded, [])).ok;
}

test('check loads and scores every scorer that is configured, also encoders', async (t) => {
  const ok = await check(folderOf(t));
  assert.equal(ok.filter((line) => /^scorer (quality|toxicity)\/base@1: /.test(line)).length, 2);
  const [line] = ok.filter((one) => one.startsWith('scorer test/count@1: '));
  assert.match(line!, /^scorer test\/count@1: files, digests and self-test scores, fp32 on (cpu|cuda|webgpu) \(.+\)$/);
});

test('what does not fit is a configuration error, which ends with status 2', async (t) => {
  const missing = folderOf(t, ({ folder }) => rmSync(path.join(folder, 'count.onnx')));
  await assert.rejects(check(missing), {
    name: 'ConfigError',
    code: 'scorer-missing',
    message: /^scoring\.directory, model file count\.onnx; not in /,
  });
  const cut = folderOf(t, ({ folder }) => writeFileSync(path.join(folder, 'count.onnx'), 'cut'));
  await assert.rejects(check(cut), { name: 'ConfigError', code: 'scorer-digest' });
  const wrong = folderOf(t, ({ manifest }) => (manifest.selfTest = [{ text: 'the', scores: [0.5, 0.5] }]));
  await assert.rejects(check(wrong), { name: 'ConfigError', code: 'scorer-self-test' });
});
