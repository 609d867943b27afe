/** From the files in a folder to a score: what is refused on the way, other tokenizers, and texts that nobody would write. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Tokenizer } from 'tokenizers';
import { countingGraph, type Files, folderOf } from '../../testing/encoder-folder.ts';
import { loadScorers, shippedModels } from '../load.ts';
import { parseVocabulary } from '../vocabulary.ts';
import { startEncoder } from './encoder.ts';
import { startScorer } from './scorer.ts';
import { shareEncoders } from './share.ts';
import { startSession } from './session-thread.ts';

const digest = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

const load = (folder: string, cache?: string) =>
  loadScorers([folder, shippedModels], ['test/count@1'], cache).encoders[0]!;

test('texts that nobody would write get a score', async (t) => {
  const scorer = await startScorer([load(folderOf(t))], { provider: 'cpu', workers: 1 });
  const count = async (text: string | Uint8Array) =>
    ((await scorer.score(text, 'a'))['test/count@1'] as { count: number }).count;
  assert.equal(await count(''), 0);
  assert.equal(await count('\u0000\u0001\u200b\u009f'), 0);
  assert.equal(await count(new Uint8Array(1000).fill(0xff)), 0);
  assert.equal(await count('a'.repeat(10_000_000)), 3 / 1000, 'one word is one unknown token');
  assert.equal(await count('🙂'.repeat(100_000)), 3 / 1000);
  assert.equal(await count('🙂 '.repeat(100_000)), 102 / 1000);
  assert.equal(await count(new TextEncoder().encode('the '.repeat(1_000_000))), 102 / 1000);
  assert.equal(await count('the '.repeat(150)), (102 + 52) / 2 / 1000, 'the mean of two windows');
  await scorer.close();
});

test('any tokenizer that the tokenizers package reads', async (t) => {
  const folder = folderOf(t, ({ folder, manifest }) => {
    const vocab = { '[unk]': 0, '[pad]': 1, a: 2, b: 3, '<s>': 4 };
    const model = { type: 'WordLevel', vocab, unk_token: '[unk]' };
    const special = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
    const json = JSON.stringify({
      version: '1.0',
      truncation: null,
      padding: {
        strategy: { Fixed: 16 },
        direction: 'Right',
        pad_to_multiple_of: null,
        pad_id: 1,
        pad_type_id: 0,
        pad_token: '[pad]',
      },
      added_tokens: [{ id: 4, content: '<s>', ...special }],
      normalizer: { type: 'Lowercase' },
      pre_tokenizer: { type: 'Whitespace' },
      post_processor: null,
      decoder: null,
      model,
    });
    Tokenizer.fromString(json);
    writeFileSync(path.join(folder, 'tokenizer.json'), json);
    const tokenizer = {
      kind: 'tokenizers-json',
      file: 'tokenizer.json',
      sha256: digest(json),
      entries: 5,
      cls: 4,
      pad: 1,
    };
    Object.assign(manifest, { tokenizer, selfTest: [{ text: 'A b', scores: [(4 + 2 + 3) / 3 / 1e6, 3 / 1000] }] });
  });
  const scorer = await startScorer([load(folder)], { provider: 'cpu', workers: 1 });
  assert.deepEqual(await scorer.score('b a c', 'a'), {
    'test/count@1': { mean: 0, 'mean.max': 0, count: 0.004, 'count.max': 0.004 },
  });
  await scorer.close();
});

test('two scorers that read columns of one graph share a session, and a text is run once', async (t) => {
  const folder = folderOf(t, ({ folder, manifest }) => {
    const { model, outputs, selfTest } = manifest;
    const [{ text, scores }] = selfTest as [{ text: string; scores: number[] }];
    const second = { ...manifest, name: 'test/length@1', model: { ...model, columns: 2 }, outputs: [outputs[1]] };
    writeFileSync(
      path.join(folder, 'length.json'),
      JSON.stringify({ ...second, selfTest: [{ text, scores: [scores[1]] }] }),
    );
  });
  const { encoders } = loadScorers(folder, ['test/length@1', 'test/count@1']);
  const groups = shareEncoders(encoders);
  assert.equal(groups.length, 1);
  const scorer = await startScorer(groups[0]!, { provider: 'cpu', workers: 1 });
  const before = scorer.encoder.figures().windows;
  const scores = await scorer.score('the the', 'a');
  assert.deepEqual(scores['test/length@1'], { count: 0.004, 'count.max': 0.004 });
  assert.equal((scores['test/count@1'] as { count: number }).count, 0.004);
  assert.equal(scorer.encoder.figures().windows, before + 1);
  await scorer.close();
});

test('a model may lie in a cache, under its digest', (t) => {
  const cache = mkdtempSync(path.join(tmpdir(), 'riffle-cache-'));
  t.after(() => rmSync(cache, { recursive: true }));
  let sha256 = '';
  const folder = folderOf(t, ({ folder, manifest }) => {
    ({ sha256 } = manifest.model);
    renameSync(path.join(folder, 'count.onnx'), path.join(cache, `${sha256}.onnx`));
  });
  assert.equal(load(folder, cache).graphs[0]?.path, path.join(cache, `${sha256}.onnx`));
  assert.throws(() => load(folder), {
    code: 'scorer-missing',
    message: /count\.onnx; not in .*; npm run encoder:build/,
  });
});

test('files that do not fit together are refused before anything is started', (t) => {
  const refused = (code: string, message: RegExp, change: (files: Files) => void) =>
    assert.throws(() => load(folderOf(t, change)), { name: 'ConfigError', code, message });
  refused('scorer-digest', /count\.onnx; its SHA-256 is/, ({ folder }) =>
    writeFileSync(path.join(folder, 'count.onnx'), countingGraph(30_522).subarray(0, 5000)),
  );
  refused('scorer-manifest', /kind/, ({ manifest }) => (manifest.kind = 'torch'));
  refused(
    'scorer-manifest',
    /a score for every output/,
    ({ manifest }) => (manifest.selfTest = [{ text: '', scores: [1] }]),
  );
  refused('scorer-manifest', /selfTest/, ({ manifest }) => (manifest.selfTest = []));
  refused('scorer-manifest', /indexes below model\.columns/, ({ manifest }) =>
    Object.assign(manifest.model, { columns: 1 }),
  );
  refused('scorer-manifest', /axes with different names/, ({ manifest }) =>
    Object.assign(manifest.outputs[0]!, { axis: 'count' }),
  );
  refused('scorer-manifest', /either lengths or attentionMask/, ({ manifest }) =>
    Object.assign(manifest.model.inputs, { lengths: 'lengths' }),
  );
  refused('scorer-manifest', /at least one window/, ({ manifest }) =>
    Object.assign(manifest.window!, { head: 0, tail: 0 }),
  );
  refused('scorer-missing', /two manifests of that name in/, ({ folder, manifest }) =>
    writeFileSync(path.join(folder, 'again.json'), JSON.stringify(manifest)),
  );
});

test('a vocabulary that is not the graph’s or the manifest’s is refused', async (t) => {
  const refused = (code: string, message: RegExp, change: (files: Files) => void) =>
    assert.rejects(startScorer([load(folderOf(t, change))], { provider: 'cpu', workers: 1 }), {
      name: 'ConfigError',
      code,
      message,
    });
  await refused('scorer-vocabulary', /30522 entries, not 30521/, ({ manifest }) =>
    Object.assign(manifest, { tokenizer: { ...manifest.tokenizer, entries: 30_521 } }),
  );
  await refused('scorer-vocabulary', /cls is 101, not 0; correct tokenizer\.cls/, ({ manifest }) =>
    Object.assign(manifest, { tokenizer: { ...manifest.tokenizer, cls: 0 } }),
  );
  await refused('scorer-vocabulary', /does not know token 30521/, ({ folder, manifest }) => {
    const small = countingGraph(30_000);
    writeFileSync(path.join(folder, 'count.onnx'), small);
    Object.assign(manifest.model, { sha256: digest(small) });
  });
  await refused('scorer-graph', /output numbers has 2 columns and the manifest 1/, ({ manifest }) => {
    manifest.outputs.pop();
    manifest.selfTest = [{ text: '', scores: [0] }];
  });
});

test('a session that cannot be started beside the first ends the start, and no thread stays', async (t) => {
  let started = 0;
  const ended: string[] = [];
  const start: typeof startSession = async (options) => {
    if (++started === 2) throw new Error('out of memory');
    const session = await startSession(options);
    return {
      ...session,
      close: async () => {
        await session.close();
        ended.push('closed');
      },
    };
  };
  const loaded = load(folderOf(t));
  await assert.rejects(startEncoder(loaded, { provider: 'cpu', workers: 3, start }), { message: 'out of memory' });
  assert.deepEqual(ended, ['closed', 'closed']);
  assert.ok(parseVocabulary(new TextDecoder().decode(loaded.tokenizer.slice())).size > 0, 'the files stay readable');
});
