/** The blocks on internal topics: whatever is written comes back, wherever in a buffer the block lies. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { FatalError } from '../errors.ts';
import {
  ASKED,
  DEAD,
  INLINE,
  INSERTED,
  readSiftedBlock,
  type SiftedEntry,
  SKIPPED,
  SOURCE,
  STUB,
  siftedEntry,
  siftedExact,
  siftedOffset,
  siftedShape,
  siftedWriter,
} from './sifted.ts';
import { readSketchBlock, type SketchBlock, sliceSketchBlock, writeSketchBlock } from './sketches.ts';
import {
  readVerdictBlock,
  type Verdict,
  verdictAt,
  verdictExact,
  verdictOffset,
  writeVerdictBlock,
} from './verdicts.ts';

/** With the usual prototype, as a reader makes them. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(model, { noNullPrototype: true });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const kind = fc.constantFrom(STUB, ASKED, INSERTED);
const text = fc.string({ unit: fc.constantFrom('a', '"', '\n', 'é', '語', '😀'), maxLength: 40 });

/** As a log hands it over: a view into a larger buffer, at any byte. */
function inside(bytes: Uint8Array, before: number): Uint8Array {
  const buffer = new Uint8Array(before + bytes.length + 3).fill(0xee);
  buffer.set(bytes, before);
  return buffer.subarray(before, before + bytes.length);
}

const foreign = (error: unknown) => error instanceof FatalError && error.code === 'foreign-block';

/** A block with a wrong magic number, one cut inside its header, nothing at all. */
function refusesOthers(read: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  const wrong = bytes.slice();
  wrong[3]! ^= 1;
  for (const other of [wrong, bytes.subarray(0, 12), new Uint8Array(0)]) assert.throws(() => read(other), foreign);
}

suite('sifted blocks', () => {
  const entry: fc.Arbitrary<SiftedEntry> = record({
    offset: u64,
    exact: u64,
    kind,
    shape: fc.constantFrom(INLINE, SOURCE, DEAD, SKIPPED),
    head: text,
    sourceStart: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    sourceBytes: u32,
    signals: text,
    language: text,
    retried: fc.boolean(),
    failures: fc.array(record({ reason: text, value: fc.oneof(text, fc.integer()), limit: fc.integer() }), {
      maxLength: 3,
    }),
  });

  test('entries come back as they were added', () => {
    const writer = siftedWriter();
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 20 }), u32, u64, u64, fc.nat(9), (entries, partition, from, to, at) => {
        for (const one of entries) writer.add(one);
        assert.equal(writer.count, entries.length);
        const block = readSiftedBlock(inside(writer.take(partition, from, to), at));
        assert.deepEqual([block.partition, block.from, block.to, block.count], [partition, from, to, entries.length]);
        for (const [i, expected] of entries.entries()) {
          const { head, ...rest } = siftedEntry(block, i);
          assert.deepEqual({ ...rest, head: Buffer.from(head as Uint8Array).toString() }, expected);
          assert.equal(siftedOffset(block, i), expected.offset);
          assert.equal(siftedExact(block, i), expected.exact);
          assert.equal(siftedShape(block, i), expected.shape);
        }
        assert.deepEqual([writer.count, writer.bytes], [0, 0], 'the writer is empty again');
      }),
    );
  });

  test('a head may be bytes', () => {
    const writer = siftedWriter();
    const head = Uint8Array.of(0, 255, 128, 10);
    writer.add({
      offset: 1n,
      exact: 2n,
      kind: INSERTED,
      shape: INLINE,
      head,
      sourceStart: 0,
      sourceBytes: 0,
      signals: 's',
      language: 'en',
      retried: false,
      failures: [],
    });
    const { head: read, signals } = siftedEntry(readSiftedBlock(writer.take(0, 1n, 2n)), 0);
    assert.deepEqual([...(read as Uint8Array)], [...head]);
    assert.equal(signals, 's');
  });

  test('what is no sifted block is refused', () => refusesOthers(readSiftedBlock, siftedWriter().take(1, 2n, 3n)));
});

suite('sketch blocks', () => {
  const block: fc.Arbitrary<SketchBlock> = record({
    entries: fc.array(fc.tuple(u64, u64, kind), { maxLength: 30 }),
    stride: fc.integer({ min: 1, max: 24 }),
  }).chain(({ entries, stride }) => {
    const sketched = entries.filter(([, , k]) => k !== STUB).length;
    return record({
      partition: u32,
      from: u64,
      to: u64,
      config: u64,
      count: fc.constant(entries.length),
      stride: fc.constant(stride),
      offsets: fc.constant(BigUint64Array.from(entries, ([offset]) => offset)),
      exact: fc.constant(BigUint64Array.from(entries, ([, exact]) => exact)),
      kinds: fc.constant(Uint8Array.from(entries, ([, , k]) => k)),
      sketches: fc.uint8Array({ minLength: sketched * stride, maxLength: sketched * stride }),
    });
  });

  test('a block comes back as it was written', () => {
    fc.assert(
      fc.property(block, fc.nat(9), (written, at) => {
        const read = readSketchBlock(inside(writeSketchBlock(written), at));
        assert.deepEqual(plain(read), plain(written));
      }),
    );
  });

  test('only the first `count` places of reused arrays are written', () => {
    const written = writeSketchBlock({
      partition: 0,
      from: 0n,
      to: 2n,
      config: 0n,
      count: 1,
      stride: 2,
      offsets: BigUint64Array.of(5n, 6n),
      exact: BigUint64Array.of(7n, 8n),
      kinds: Uint8Array.of(INSERTED, ASKED),
      sketches: Uint8Array.of(1, 2),
    });
    const read = readSketchBlock(written);
    assert.deepEqual([...read.offsets, ...read.exact], [5n, 7n]);
    assert.deepEqual([...read.kinds, ...read.sketches], [INSERTED, 1, 2]);
  });

  test('a slice holds the entries at or above an offset, with their sketches', () => {
    const whole = readSketchBlock(
      writeSketchBlock({
        partition: 4,
        from: 10n,
        to: 50n,
        config: 9n,
        count: 4,
        stride: 2,
        offsets: BigUint64Array.of(10n, 20n, 30n, 40n),
        exact: BigUint64Array.of(1n, 0n, 3n, 4n),
        kinds: Uint8Array.of(INSERTED, STUB, ASKED, INSERTED),
        sketches: Uint8Array.of(1, 1, 3, 3, 4, 4),
      }),
    );
    const cut = (from: bigint) => {
      const { offsets, exact, kinds, sketches, count, to } = sliceSketchBlock(whole, from);
      return { offsets: [...offsets], exact: [...exact], kinds: [...kinds], sketches: [...sketches], count, to };
    };
    assert.deepEqual(cut(10n).sketches, [1, 1, 3, 3, 4, 4]);
    assert.deepEqual(cut(11n), {
      offsets: [20n, 30n, 40n],
      exact: [0n, 3n, 4n],
      kinds: [STUB, ASKED, INSERTED],
      sketches: [3, 3, 4, 4],
      count: 3,
      to: 50n,
    });
    assert.deepEqual(cut(30n).sketches, [3, 3, 4, 4]);
    assert.deepEqual(cut(31n), { offsets: [40n], exact: [4n], kinds: [INSERTED], sketches: [4, 4], count: 1, to: 50n });
    assert.equal(cut(50n).count, 0);
  });

  test('what is no sketch block is refused', () =>
    refusesOthers(
      readSketchBlock,
      writeSketchBlock({
        partition: 0,
        from: 0n,
        to: 0n,
        config: 0n,
        count: 0,
        stride: 1,
        offsets: new BigUint64Array(0),
        exact: new BigUint64Array(0),
        kinds: new Uint8Array(0),
        sketches: new Uint8Array(0),
      }),
    ));
});

const plain = ({ offsets, exact, kinds, sketches, ...rest }: SketchBlock) => ({
  ...rest,
  offsets: [...offsets],
  exact: [...exact],
  kinds: [...kinds],
  sketches: [...sketches],
});

suite('verdict blocks', () => {
  const u8 = fc.integer({ min: 0, max: 255 });
  const f32 = fc.float({ noNaN: true, noDefaultInfinity: true, min: 0, max: 1 });
  const verdict: fc.Arbitrary<Verdict> = record({
    offset: u64,
    exact: u64,
    kind,
    votes: u8,
    generation: u32,
    exactMatch: fc.boolean(),
    similarity: f32,
    containment: f32,
    copies: u32,
    // All ones in the partition's place says that there is none.
    duplicateOf: fc.option(record({ partition: fc.integer({ min: 0, max: 2 ** 32 - 2 }), offset: u64 }), {
      nil: undefined,
    }),
  });

  test('verdicts come back as they were written', () => {
    fc.assert(
      fc.property(
        record({ partition: u32, from: u64, to: u64, config: u64, bands: u32 }),
        fc.array(verdict, { maxLength: 20 }),
        fc.nat(9),
        (head, verdicts, at) => {
          const block = readVerdictBlock(inside(writeVerdictBlock(head, verdicts), at));
          const { bytes: _bytes, view: _view, count, ...read } = block;
          assert.deepEqual({ ...read, count }, { ...head, count: verdicts.length });
          for (const [i, expected] of verdicts.entries()) {
            assert.deepEqual(verdictAt(block, i), expected);
            assert.equal(verdictOffset(block, i), expected.offset);
            assert.equal(verdictExact(block, i), expected.exact);
          }
        },
      ),
    );
  });

  test('what is no verdict block is refused', () =>
    refusesOthers(readVerdictBlock, writeVerdictBlock({ partition: 0, from: 0n, to: 0n, config: 0n, bands: 1 }, [])));
});
