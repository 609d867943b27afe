import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, FatalError } from '../errors.ts';
import { createFingerprinter } from './fingerprint.ts';
import { createIndex, loadIndex } from './engine.ts';
import type { NearDuplicateIndex } from './near-duplicate-index.ts';
import { createReferenceIndex } from './reference-index.ts';
import { type DedupOptions, dedupOptionsSchema } from './options.ts';
import { edited, random, wordsOf } from './sample-texts.ts';
import { ASKED, INSERTED, isDuplicate, NO_PARTITION, type SketchBatch, type Verdicts } from './sketch.ts';
import { mergeVerdicts } from './verdicts.ts';

const options = (given: unknown = {}): DedupOptions => dedupOptionsSchema.parse(given);
const fingerprinter = createFingerprinter(options());
const { stride } = fingerprinter;

/** Texts as a batch at offsets 100, 101, …, all inserted. */
function batchOf(texts: readonly string[], kind: number = INSERTED): SketchBatch {
  const sketches = new Uint8Array(texts.length * stride);
  texts.forEach((text, i) => fingerprinter.fingerprint(text, sketches, i * stride));
  return {
    count: texts.length,
    kinds: new Uint8Array(texts.length).fill(kind),
    partitions: Uint32Array.from(texts, (_, i) => i % 3),
    offsets: BigInt64Array.from(texts, (_, i) => BigInt(100 + i)),
    sketches,
  };
}

function part(batch: SketchBatch, from: number, to: number): SketchBatch {
  return {
    count: to - from,
    kinds: batch.kinds.subarray(from, to),
    partitions: batch.partitions.subarray(from, to),
    offsets: batch.offsets.subarray(from, to),
    sketches: batch.sketches.subarray(from * stride, to * stride),
  };
}

/** One verdict after another, as plain values. */
function* verdictsOf(decide: (batch: SketchBatch) => Verdicts, batch: SketchBatch, sizes: () => number) {
  for (let from = 0; from < batch.count; ) {
    const to = Math.min(batch.count, from + sizes());
    const { count, ...columns } = decide(part(batch, from, to));
    for (let i = 0; i < count; i++)
      yield Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column[i]]));
    from = to;
  }
}

/** The reference index without false positives. */
const createTwinIndex = (given: DedupOptions) => createReferenceIndex(given, () => new Set<string>());

const all = (index: { decide: (batch: SketchBatch) => Verdicts }, batch: SketchBatch, sizes = () => 1000) => [
  ...verdictsOf((part) => index.decide(part), batch, sizes),
];

/** A stream with fresh texts, edits of earlier ones at all rates, copies, short texts; every tenth only asked about. */
function stream(count: number, seed: number): SketchBatch {
  const source = random(seed);
  const earlier: string[][] = [];
  const texts = Array.from({ length: count }, () => {
    const old = earlier[earlier.length - 1 - source.below(Math.min(earlier.length, 2000))];
    const kind = source.below(10);
    let words = wordsOf(source, 8 + source.below(150));
    if (old && kind < 3) words = edited(old, source, source.below(12) / 100);
    else if (old && kind < 4) words = [...old];
    earlier.push(words);
    return words.join(kind % 2 ? ' ' : ', ');
  });
  const batch = batchOf(texts);
  for (let i = 0; i < count; i += 10) batch.kinds[i] = ASKED;
  return batch;
}

const documents = stream(6000, 1);

test('verdicts are those of the slow twin, while nothing falls out', () => {
  const twin = createTwinIndex(options());
  const got = all(createIndex(options()), documents);
  const wanted = [
    ...verdictsOf(
      (batch) => twin.decide(batch),
      documents,
      () => 1000,
    ),
  ];
  assert.deepEqual(got, wanted);
  assert.ok(got.filter(({ exact }) => exact).length > 300);
  assert.ok(got.filter(({ similarity, exact }) => !exact && Number(similarity) >= 0.695).length > 300);
});

test('with a small window the oldest falls out, as in the twin, and the history votes instead', () => {
  const small = options({ window: { documents: 300 } });
  const twin = createTwinIndex(small);
  const got = all(createIndex(small), documents);
  const wanted = [
    ...verdictsOf(
      (batch) => twin.decide(batch),
      documents,
      () => 1000,
    ),
  ];
  const namesOnly = ({ similarity, duplicateOffset, exact, copies }: Record<string, unknown>) => [
    similarity,
    duplicateOffset,
    exact,
    copies,
  ];
  // An entry evicted from two full buckets is the only difference; there are few.
  const different = got.filter((verdict, i) => namesOnly(verdict).join() !== namesOnly(wanted[i]!).join()).length;
  assert.ok(different <= got.length * 0.005, `${different} differ`);
  // False positives of a band only add votes.
  const fewer = got.filter(({ votes }, i) => Number(votes) < Number(wanted[i]!['votes']) - 1).length;
  assert.ok(fewer <= got.length * 0.005, `${fewer} have fewer votes`);
  assert.ok(got.filter(({ votes }) => Number(votes) >= 4).length > 500);
});

test('batch boundaries do not show in the verdicts', () => {
  const small = options({ window: { documents: 700 }, history: { documentsPerGeneration: 1024, generations: 3 } });
  const whole = all(createIndex(small), documents, () => 6000);
  const source = random(2);
  assert.deepEqual(
    all(createIndex(small), documents, () => 1 + source.below(1500)),
    whole,
  );
  assert.deepEqual(
    all(createIndex(small), part(documents, 0, 500), () => 1),
    whole.slice(0, 500),
  );
});

test('a document that is only asked about is answered and leaves no trace', () => {
  const index = createIndex(options());
  const batch = batchOf([wordsOf(random(3), 100).join(' ')], ASKED);
  const before = Buffer.concat([...index.save()].map((piece) => Uint8Array.from(piece)));
  const [asked] = all(index, batch);
  assert.deepEqual(Buffer.concat([...index.save()].map((piece) => Uint8Array.from(piece))), before);
  batch.kinds[0] = INSERTED;
  assert.deepEqual(all(index, batch), [asked], 'the first inserted copy is still the first');
  batch.kinds[0] = ASKED;
  const [again] = all(index, batch);
  assert.deepEqual([again?.['exact'], again?.['copies'], again?.['duplicateOffset']], [1, 2, 100n]);
  assert.deepEqual(all(index, batch), [again]);
});

test('the verdict names the first seen, how similar it is and how much of this text it has', () => {
  const source = random(4);
  const words = wordsOf(source, 600);
  const half = words.slice(0, 480);
  const near = edited(words, source, 0.01);
  const [, copy, shorter, edit, fresh] = all(
    createIndex(options()),
    batchOf([words, words, half, near, wordsOf(source, 600)].map((w) => w.join(' '))),
  );
  assert.deepEqual(
    [copy?.['exact'], copy?.['similarity'], copy?.['duplicateOffset'], copy?.['duplicatePartition']],
    [1, 1, 100n, 0],
  );
  // 476 of 596 shingles: J = 0.799, and the first text has all of them.
  assert.ok(Math.abs(Number(shorter?.['similarity']) - 476 / 596) < 0.1);
  assert.ok(Number(shorter?.['containment']) > 0.93);
  assert.equal(edit?.['duplicateOffset'], 100n);
  assert.deepEqual(
    [fresh?.['similarity'], fresh?.['duplicatePartition'], fresh?.['duplicateOffset'], fresh?.['copies']],
    [0, NO_PARTITION, -1n, 1],
  );
});

test('short texts are compared by their exact key alone', () => {
  const [, copy, near] = all(
    createIndex(options()),
    batchOf(['one two three four five six', 'One, two; three (four) FIVE six!', 'one two three four five seven']),
  );
  assert.deepEqual([copy?.['exact'], copy?.['copies'], copy?.['votes']], [1, 2, 0]);
  assert.deepEqual([near?.['exact'], near?.['similarity'], near?.['votes']], [0, 0, 0]);
});

test('verdicts are the same for 1, 2, 4, 8 and 16 shards', () => {
  const given = { window: { documents: 500 }, history: { documentsPerGeneration: 1024, generations: 4 } };
  const whole = all(createIndex(options(given)), documents);
  for (const shards of [2, 4, 8, 16]) {
    const divided = options({ ...given, shards });
    const indexes = Array.from({ length: shards }, (_, shard) => createIndex(divided, shard));
    const decide = (batch: SketchBatch) => mergeVerdicts(indexes.map((index) => index.decideShard(batch)));
    assert.deepEqual([...verdictsOf(decide, documents, () => 777)], whole, `${shards} shards`);
    const bytes = indexes.map((index) => index.stats().history.reduce((sum, generation) => sum + generation.bytes, 0));
    assert.equal(new Set(bytes).size, 1);
  }
});

test('answers that do not belong together are refused', () => {
  const two = options({ shards: 2 });
  const [a, b] = [createIndex(two, 0), createIndex(two, 1)].map((index) => index.decideShard(part(documents, 0, 10)));
  assert.throws(() => mergeVerdicts([a!]), FatalError);
  assert.throws(() => mergeVerdicts([b!]), FatalError);
  assert.throws(() => mergeVerdicts([a!, a!]), FatalError);
  assert.throws(() => mergeVerdicts([a!, { ...b!, configHash: 'other' }]), FatalError);
  assert.throws(() => mergeVerdicts([]), FatalError);
  assert.equal(mergeVerdicts([b!, a!]).count, 10);
});

function saved(index: NearDuplicateIndex): Buffer {
  return Buffer.concat([...index.save()].map((piece) => Uint8Array.from(piece)));
}

test('an index loaded from a snapshot decides on as the one that wrote it', () => {
  const given = options({ window: { documents: 5000 }, history: { documentsPerGeneration: 1024, generations: 3 } });
  for (const at of [0, 1, 1024, 3500]) {
    const index = createIndex(given);
    index.decide(part(documents, 0, at));
    const snapshot = saved(index);
    const rest = part(documents, at, documents.count);
    const wanted = all(index, rest);
    const pieces = Array.from({ length: Math.ceil(snapshot.length / 99_991) }, (_, i) =>
      snapshot.subarray(i * 99_991, (i + 1) * 99_991),
    );
    const loaded = loadIndex(given, pieces);
    assert.deepEqual(all(loaded, rest), wanted, `saved after ${at}`);
    assert.deepEqual(loaded.stats(), index.stats());
  }
});

test('a shard has a snapshot of its own', () => {
  const two = options({ shards: 2 });
  const index = createIndex(two, 1);
  index.decideShard(part(documents, 0, 1000));
  const loaded = loadIndex(two, [saved(index)], 1);
  assert.deepEqual(loaded.decideShard(part(documents, 1000, 1500)), index.decideShard(part(documents, 1000, 1500)));
  assert.throws(() => loadIndex(two, [saved(index)], 0), ConfigError);
});

test('a snapshot of other options is refused, a damaged one too', () => {
  const index = createIndex(options());
  index.decide(part(documents, 0, 100));
  const snapshot = saved(index);
  assert.throws(() => loadIndex(options({ seed: 'x' }), [snapshot]), ConfigError);
  assert.throws(() => loadIndex(options({ shards: 2 }), [snapshot]), ConfigError);
  assert.throws(() => loadIndex(options(), [snapshot.subarray(0, -9)]), FatalError);
  assert.throws(() => loadIndex(options(), []), FatalError);
  for (const at of [0, 9, 40, 100_000, snapshot.length - 1]) {
    const broken = Uint8Array.from(snapshot);
    broken[at]! ^= 1;
    assert.throws(() => loadIndex(options(), [broken]), FatalError, `byte ${at}`);
  }
});

test('generations turn over at a count of documents, and the oldest is dropped', () => {
  const given = options({ window: { documents: 1 }, history: { documentsPerGeneration: 1024, generations: 2 } });
  const source = random(6);
  const texts = Array.from({ length: 3100 }, () => wordsOf(source, 40).join(' '));
  const index = createIndex(given);
  index.decide(batchOf(texts));
  const generations = index
    .stats()
    .history.map(({ generation, documents, capacity }) => [generation, documents, capacity]);
  assert.deepEqual(generations, [
    [2, 1024, 1024],
    [3, 28, 1024],
  ]);
  const verdicts = index.decide(batchOf([texts[0]!, texts[2060]!, texts[3090]!], ASKED));
  // The first text is forgotten by the history, not by the exact keys.
  assert.deepEqual(
    [...verdicts.votes].map((votes) => votes >= 20),
    [false, true, true],
  );
  assert.deepEqual([...verdicts.generation].slice(1), [2, 3]);
  assert.deepEqual([...verdicts.exact], [1, 1, 1]);
});

test('the history has no vote while the window holds everything', () => {
  const index = createIndex(options());
  const verdicts = index.decide(documents);
  assert.ok(verdicts.votes.every((votes) => votes === 0));
});

test('a chain of edits does not drift: each link is compared with the first of it', () => {
  const source = random(7);
  let words = wordsOf(source, 400);
  const chain = Array.from({ length: 40 }, () => (words = edited(words, source, 0.015)).join(' '));
  const verdicts = createIndex(options()).decide(batchOf(chain));
  const kept = chain.filter((_, i) => !isDuplicate(verdicts, i, 0.695, 4)).length;
  // (1 - 0.015)^(5 n) = J, and J of two sets with that share in common falls to .69 after n = 2 or 3 links.
  assert.ok(kept >= 8, `${kept} of 40 kept`);
});
