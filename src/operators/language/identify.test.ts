import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { gunzipSync } from 'node:zlib';
import { getLIDModel } from 'fasttext.wasm.js';
import { shared } from '../../testing/shared.ts';
import { createLanguageIdentifier, createPredictor, languageStart } from './identify.ts';
import { loadLanguageTable } from './table.ts';

const table = loadLanguageTable();

describe('language identifier', () => {
  const identifier = createLanguageIdentifier(table);

  it('names the language of plain sentences', () => {
    const sentences: Record<string, string> = {
      en: 'The stream runs on, and what is heavy stays behind the bars.',
      de: 'Der Bach fließt weiter, und was schwer ist, bleibt hinter den Leisten liegen.',
      ja: '川は流れ続け、重いものは桟の後ろに残る。',
      ar: 'يستمر الجدول في الجريان ويبقى الثقيل خلف القضبان.',
      th: 'ลำธารไหลต่อไป และสิ่งที่หนักยังคงอยู่หลังซี่กรง',
    };
    for (const [label, text] of Object.entries(sentences)) assert.equal(identifier.identify(text).label, label);
  });

  it('calls a text without letters undetermined', () => {
    for (const text of ['', ' \n\t', '2026-11-21, 15:30 +49 …', '🙂🙂', '\0']) {
      assert.deepEqual(identifier.identify(text), { label: 'und', confidence: 0 });
    }
  });

  it('gives a confidence of four decimals, at most 1', () => {
    for (const text of ['Dies ist ein deutscher Satz, ganz ohne Zweifel.', 'ok', 'a b', 'x'.repeat(5000)]) {
      const { confidence } = identifier.identify(text);
      assert.ok(confidence > 0 && confidence <= 1);
      assert.equal(confidence, Number(confidence.toFixed(4)));
    }
  });

  it('folds line breaks and looks at the first 1,000 characters only', () => {
    const start = 'Une phrase en français, \n'.repeat(40);
    const folded = identifier.identify(start.replaceAll('\n', ' '));
    assert.deepEqual(identifier.identify(start), folded);
    assert.deepEqual(identifier.identify(`${start}${'and now English. '.repeat(500)}`), folded);
  });

  it('never cuts a surrogate pair and takes lone halves', () => {
    assert.equal(languageStart(`${'a'.repeat(999)}🙂`).length, 999);
    assert.equal(languageStart(`${'a'.repeat(998)}🙂b`).length, 1000);
    assert.equal(typeof identifier.identify('\ud800 lone \udfff').label, 'string');
  });

  it('does not depend on what it saw before', () => {
    const texts = Array.from({ length: 400 }, (_, i) => `wort${i * 7919} слово${i} 字${i} word ${'x'.repeat(i % 60)}`);
    const used = createLanguageIdentifier(table);
    for (let i = 0; i < 70_000; i += 5) used.identify(Array.from({ length: 5 }, (_, k) => `n${i + k}q`).join(' '));
    const fresh = createLanguageIdentifier(table);
    for (const text of texts) assert.deepEqual(used.identify(text), fresh.identify(text), text);
  });
});

describe('language table', () => {
  it('refuses a file that is not the published one', () => {
    assert.throws(() => loadLanguageTable(import.meta.filename), {
      name: 'ConfigError',
      code: 'language-table-changed',
    });
    assert.throws(() => loadLanguageTable('/nowhere/lid.176.ftz'), {
      name: 'ConfigError',
      code: 'language-table-missing',
    });
  });

  it('is shared with a worker thread without being copied', async () => {
    const code = `
      const { workerData, parentPort } = require('node:worker_threads');
      import(workerData.module).then(({ createLanguageIdentifier }) => {
        const found = createLanguageIdentifier(workerData.table).identify('Voici une phrase en français.');
        workerData.table.rows[0] = 42;
        parentPort.postMessage(found.label);
      });`;
    const copy = loadLanguageTable();
    const worker = new Worker(code, {
      eval: true,
      workerData: { module: import.meta.resolve('./identify.ts'), table: copy },
    });
    const label = await new Promise<unknown>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    assert.equal(label, 'fr');
    assert.equal(copy.rows[0], 42, 'the worker wrote to the same memory');
    await worker.terminate();
  });
});

describe('against fastText itself', () => {
  it('gives the same label and probability on the Declaration in 442 languages and on web text', async (t) => {
    const udhr = shared(t, 'data/langid/udhr/udhr.jsonl.gz');
    const web = shared(t, 'data/web/dolma_cc_head_samples/cc_docs.jsonl.gz');
    if (udhr === undefined || web === undefined) return;
    const texts = [
      ...documents(udhr).flatMap((text) => [text.slice(0, 600), text.slice(900, 1500)]),
      ...documents(web).map(languageStart),
    ]
      .map((text) => text.toWellFormed().replace(/\s+/g, ' '))
      .filter((text) => text.trim() !== '');
    const model = await (await getLIDModel()).load();
    const predict = createPredictor(table);
    let same = 0;
    for (const text of texts) {
      const theirs = model.predict(text, 1, 0);
      const [probability, label] = theirs.get(0);
      theirs.delete();
      const ours = predict(text);
      if (`__label__${ours.label}` !== label) continue;
      same++;
      assert.ok(Math.abs(ours.probability - probability) < 1e-5, text);
    }
    assert.ok(texts.length > 1000);
    assert.ok(same >= texts.length - 1, `${same} of ${texts.length} labels are the same`);
  });
});

describe('texts longer than the kernel takes at once', () => {
  it('are the mean of all their words', (t) => {
    const udhr = shared(t, 'data/langid/udhr/udhr.jsonl.gz');
    if (udhr === undefined) return;
    const predict = createPredictor(table);
    // The mean over a text is the mean over its repetition; the word that ends the line, once in thousands, moves it by next to nothing.
    for (const text of documents(udhr).slice(0, 40)) {
      const [once, often] = [predict(text), predict(`${text} `.repeat(7))];
      assert.equal(often.label, once.label);
      assert.ok(Math.abs(often.probability - once.probability) < 0.01, `${often.probability} ${once.probability}`);
    }
    // Blanks before it move the places where the kernel has to stop, and change no word.
    const words = 'the stream runs on and what is heavy stays behind 中文 naïve '.repeat(200);
    for (const text of [words, `${words}${'é'.repeat(9000)} ${words}`, `${words}</s> ${words}`]) {
      for (const blanks of [1, 2, 31, 4090, 9000])
        assert.deepEqual(predict(' '.repeat(blanks) + text), predict(text), `${blanks}`);
    }
  });
});

function documents(file: string): string[] {
  const lines = gunzipSync(readFileSync(file)).toString().trim().split('\n');
  return lines.map((line) => {
    const document: { text: string } = JSON.parse(line);
    return document.text;
  });
}
