import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { csvRows, tarFiles } from './archive.ts';
import { fitLogistic } from './logistic.ts';
import { auc, averagePrecision, bestF1, calibrationError, f1, fitPlatt, quantile, type Scored } from './metrics.ts';
import { pageText } from './page.ts';
import { quantize } from './quantize.ts';
import { seededRandom, shuffled } from './random.ts';
import { hashFraction, roleOf, sources } from './sources.ts';
import { heldOutTemplates, identityTemplates } from './templates.ts';
import { mailBody } from './toxicity.ts';

const scored = (...pairs: [number, 0 | 1][]): Scored[] => pairs.map(([score, label]) => ({ score, label }));

test('AUC, average precision and F1 of small examples worked by hand', () => {
  assert.equal(auc(scored([0.1, 0], [0.2, 1], [0.3, 0], [0.4, 1])), 3 / 4);
  assert.equal(auc(scored([0.5, 0], [0.5, 1])), 1 / 2);
  assert.ok(Number.isNaN(auc(scored([0.5, 1]))));
  // Positives at ranks 1 and 3: (1/1 + 2/3) / 2.
  assert.ok(Math.abs(averagePrecision(scored([0.9, 1], [0.8, 0], [0.7, 1], [0.1, 0])) - 5 / 6) < 1e-12);
  assert.equal(f1(scored([0.9, 1], [0.8, 0], [0.7, 1]), 0.75), 1 / 2);
  assert.equal(bestF1(scored([0.9, 1], [0.8, 0], [0.7, 1])), 4 / 5);
  assert.ok(Math.abs(calibrationError(scored([0.25, 0], [0.25, 0], [0.25, 0], [0.25, 1]))) < 1e-12);
  assert.equal(quantile([1, 2, 4], 0.75), 3);
});

test('Platt scaling finds the curve that made the labels', () => {
  const random = seededRandom(1);
  const logits = Array.from({ length: 20_000 }, () => random() * 10 - 5);
  const labels = logits.map((x) => (random() < 1 / (1 + Math.exp(-(0.8 * x - 1))) ? 1 : 0));
  const { slope, intercept } = fitPlatt(logits, labels);
  assert.ok(Math.abs(slope - 0.8) < 0.05 && Math.abs(intercept + 1) < 0.1, `${slope} ${intercept}`);
});

test('logistic regression reaches the point where the gradient vanishes', () => {
  const random = seededRandom(2);
  const rows = 400;
  const index = Int32Array.from({ length: rows * 3 }, (_, k) => (k % 3) * 2 + Math.floor(random() * 2));
  const x = {
    rows,
    columns: 6,
    start: Int32Array.from({ length: rows + 1 }, (_, r) => r * 3),
    index,
    value: Float32Array.from(index, () => random()),
  };
  const target = Float32Array.from({ length: rows }, (_, r) =>
    r % 10 === 0 ? -1 : random() < 0.3 + 0.4 * (index[r * 3]! % 2) ? 1 : 0,
  );
  const weight = Float32Array.from({ length: rows }, () => 0.5 + random());
  const w = fitLogistic({ x, target, weight, strength: 2, iterations: 200 });
  const gradient = [...w].map((v, i) => (i < 6 ? v : 0));
  for (let r = 0; r < rows; r++) {
    if (target[r]! < 0) continue;
    let z = w[6]!;
    for (let k = r * 3; k < r * 3 + 3; k++) z += w[index[k]!]! * x.value[k]!;
    const d = 2 * weight[r]! * (1 / (1 + Math.exp(-z)) - target[r]!);
    for (let k = r * 3; k < r * 3 + 3; k++) gradient[index[k]!]! += d * x.value[k]!;
    gradient[6]! += d;
  }
  assert.ok(Math.max(...gradient.map(Math.abs)) < 0.5, `gradient ${gradient.join(' ')}`);
});

test('quantization keeps the greatest weight and errs by at most half a step', () => {
  const heads = [Float64Array.from([0.5, -2, 0.01, 4, 0]), Float64Array.from([0, 0, 0, 1, -1])];
  const { bytes, unigramScale, bigramScale } = quantize(heads, 3);
  for (const [k, head] of heads.entries()) {
    for (const [row, weight] of head.entries()) {
      const scale = row < 3 ? unigramScale[k]! : bigramScale[k]!;
      assert.ok(Math.abs(bytes[row * 2 + k]! * scale - weight) <= scale / 2 + 1e-9);
    }
  }
  assert.equal(bytes[1 * 2], -127);
});

test('the split only depends on letters and digits, and has its shares', () => {
  assert.equal(hashFraction('Hello,  World!'), hashFraction('hello world'));
  const roles = Array.from({ length: 5000 }, (_, i) => roleOf(`text number ${i}`));
  const share = (role: string): number => roles.filter((one) => one === role).length / roles.length;
  assert.ok(Math.abs(share('train') - 0.8) < 0.03 && Math.abs(share('test') - 0.1) < 0.03);
});

test('templates: 21 frames for 44 groups to train on, others to measure with', () => {
  assert.equal(identityTemplates.length, 924);
  assert.equal(identityTemplates.filter(({ toxic }) => toxic === 1).length, 6 * 44);
  const trained = new Set(identityTemplates.map(({ text }) => text));
  assert.ok(heldOutTemplates.every(({ text }) => !trained.has(text)));
});

test('no source under a licence that binds the weights', () => {
  for (const { name, licence, sha256 } of Object.values(sources)) {
    assert.ok(!/GPL|-SA|-NC/.test(licence), name);
    assert.match(sha256, /^[0-9a-f]{64}$/);
  }
});

test('CSV with quotation marks, line feeds inside cells and empty cells', () => {
  assert.deepEqual(csvRows('a,b,c\n1,"x, ""y""\nz",\r\n,2,3\n'), [
    { a: '1', b: 'x, "y"\nz', c: '' },
    { a: '', b: '2', c: '3' },
  ]);
});

test('a tar archive gives its files', () => {
  const header = Buffer.alloc(512);
  header.write('page.html', 0);
  header.write('00000000005', 124);
  header.write('0', 156);
  header.write('ustar', 257);
  header.write('dir', 345);
  const archive = gzipSync(Buffer.concat([header, Buffer.from('hello'.padEnd(512, '\0')), Buffer.alloc(1024)]));
  assert.deepEqual(
    [...tarFiles(archive)].map(({ name, bytes }) => [name, Buffer.from(bytes).toString()]),
    [['dir/page.html', 'hello']],
  );
});

test('page and mail text', () => {
  const long = 'A sentence that is long enough to be a paragraph of its own, with <b>bold</b> words.';
  const page = pageText(
    `<title>T</title><div>Menu<li>Item</li></div><p>${long}</p><p>Short.</p><script>var x</script>`,
  );
  assert.equal(page.article, long.replaceAll(/<\/?b>/g, ''));
  assert.equal(page.boilerplate, 'Menu\nItem');
  assert.equal(mailBody('From: a\nTo: b\n\n> quoted\n<p>Hi&nbsp;there</p>\n'), 'quoted\nHi there');
});

test('shuffling keeps every item and is the same for the same seed', () => {
  const items = Array.from({ length: 50 }, (_, i) => i);
  const once = shuffled(items, seededRandom(3));
  assert.deepEqual(shuffled(items, seededRandom(3)), once);
  assert.deepEqual(
    once.toSorted((a, b) => a - b),
    items,
  );
});
