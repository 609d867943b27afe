import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type Batcher, type BatcherOptions, createBatcher, scorePatiently, type Windows } from './batcher.ts';
import type { Batch, BatchLimits } from './queue.ts';
import type { Row, Session } from './session.ts';
import { SessionDied } from './unavailable.ts';

const limits: BatchLimits = { budgetTokens: 256, stepTokens: 8, maxTokens: 64 };
const COLUMNS = 2;
/** Ids that a fake session cannot stand. */
const BREAKS = 7001;
const KILLS = 7002;
const GIVES_NAN = 7003;

/** What the fake model says of a window, whatever is beside it. */
const numbersOf = (ids: readonly number[]): [number, number] => [
  Math.fround(ids.reduce((sum, id) => sum + id, 0)),
  Math.fround(Math.sin(ids[0]!) + ids.length),
];

interface Fake extends Session {
  /** Batches that it was given. */
  readonly batches: Batch<Row>[];
  /** Rejects what runs and whatever comes, as a thread that was stopped does. */
  die(): void;
}

/** A session that answers in a later turn of the event loop, or when `gate` lets it. */
function fakeSession(gate?: () => Promise<void>): Fake {
  const batches: Batch<Row>[] = [];
  let dead = false;
  const { promise: death, reject } = Promise.withResolvers<never>();
  death.catch(() => undefined);
  const die = (): void => {
    dead = true;
    reject(new SessionDied(''));
  };
  return {
    batches,
    die,
    async run(batch) {
      batches.push(batch);
      await Promise.race([gate?.() ?? new Promise(setImmediate), death]);
      const has = (id: number): boolean => batch.windows.some(({ ids }) => ids.includes(id));
      if (has(KILLS)) die();
      if (dead) throw new SessionDied('');
      if (has(BREAKS)) throw new Error('index out of range');
      return Float32Array.from(
        batch.windows.flatMap(({ ids }) => (ids.includes(GIVES_NAN) ? [Number.NaN, 1] : numbersOf([...ids]))),
      );
    },
    works: () => Promise.resolve(!dead),
    close: () => Promise.resolve(die()),
  };
}

function batcherOf(sessions: readonly Session[], more: Partial<BatcherOptions> = {}): Batcher {
  return createBatcher({
    sessions,
    restart: () => Promise.resolve(fakeSession()),
    columns: COLUMNS,
    limits,
    creditTokens: 1024,
    wait: () => new Promise(setImmediate),
    ...more,
  });
}

function windowsOf(...rows: readonly (readonly number[])[]): Windows {
  return { ids: Int32Array.from(rows.flat()), lengths: Int32Array.from(rows, (row) => row.length) };
}

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
};

const window = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 64 });
const requests = fc.array(fc.array(window, { maxLength: 20 }), { minLength: 1, maxLength: 12 });

test('whatever is asked at once, everybody gets the numbers of their own windows', async () => {
  await fc.assert(
    fc.asyncProperty(requests, fc.integer({ min: 1, max: 3 }), async (all, workers) => {
      const batcher = batcherOf(Array.from({ length: workers }, () => fakeSession()));
      const got = await Promise.all(all.map((rows) => batcher.score(windowsOf(...rows))));
      for (const [i, rows] of all.entries()) assert.deepEqual([...got[i]!], rows.flatMap(numbersOf));
      const { windows, usefulTokens, waitingTokens } = batcher.figures();
      assert.equal(windows, all.flat().length);
      assert.equal(usefulTokens, all.flat(2).length);
      assert.equal(waitingTokens, 0);
      await batcher.close();
    }),
    { numRuns: 60 },
  );
});

test('windows that break or kill a session, or give NaN, get NaN, and no others', async () => {
  const spoilt = fc.constantFrom(undefined, undefined, undefined, undefined, BREAKS, KILLS, GIVES_NAN);
  const spoiltWindow = fc.tuple(window, spoilt).map(([ids, bad]) => (bad === undefined ? ids : [bad, ...ids.slice(1)]));
  const spoiltRequests = fc.array(fc.array(spoiltWindow, { maxLength: 12 }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(spoiltRequests, fc.integer({ min: 1, max: 2 }), async (all, workers) => {
      const batcher = batcherOf(Array.from({ length: workers }, () => fakeSession()));
      const got = await Promise.all(all.map((rows) => batcher.score(windowsOf(...rows))));
      for (const [i, rows] of all.entries()) {
        for (const [k, row] of rows.entries()) {
          const actual = [...got[i]!.subarray(k * COLUMNS, (k + 1) * COLUMNS)];
          if (row.includes(GIVES_NAN)) assert.ok(Number.isNaN(actual[0]!));
          else if (row.some((id) => id > 5000)) assert.deepEqual(actual, [Number.NaN, Number.NaN]);
          else assert.deepEqual(actual, numbersOf(row));
        }
      }
      const broken = all.flat().filter((row) => row.some((id) => id === BREAKS || id === KILLS));
      assert.equal(batcher.figures().broken, broken.length);
      await batcher.close();
    }),
    { numRuns: 60 },
  );
});

test('a free session takes all that waits, of one length together, and the oldest with the first batch', async () => {
  const gates: (() => void)[] = [];
  const session = fakeSession(() => new Promise((open) => gates.push(open)));
  const batcher = batcherOf([session]);
  const long = Array.from({ length: 64 }, (_, i) => i);
  const first = batcher.score(windowsOf([1]));
  await turns(1);
  const rest = [batcher.score(windowsOf(long, [2], long)), batcher.score(windowsOf([3], long))];
  await turns(1);
  assert.deepEqual(
    session.batches.map(({ windows }) => windows.length),
    [1],
    'one batch at a time',
  );
  gates.shift()!();
  await turns(3);
  gates.shift()!();
  await turns(3);
  gates.shift()!();
  await Promise.all([first, ...rest]);
  assert.deepEqual(
    session.batches.map(({ width, windows }) => [width, windows.map(({ ids }) => ids.length)]),
    [
      [8, [1]],
      [64, [64, 64, 64, 1]],
      [8, [1]],
    ],
  );
  await batcher.close();
});

test('room counts tokens that are not answered yet', async () => {
  const gates: (() => void)[] = [];
  const batcher = batcherOf([fakeSession(() => new Promise((open) => gates.push(open)))], { creditTokens: 100 });
  await batcher.room(60);
  const scored = batcher.score(windowsOf(Array.from({ length: 60 }, () => 1)));
  let roomy = false;
  const room = batcher.room(50).then(() => (roomy = true));
  await turns(2);
  assert.equal(roomy, false);
  gates.shift()!();
  await Promise.all([scored, room]);
  await batcher.close();
});

test('a session that dies is started again, and its batch is run once more', async () => {
  const session = fakeSession(() => new Promise(() => undefined));
  let started = 0;
  const batcher = batcherOf([session], { restart: () => Promise.resolve((started++, fakeSession())) });
  const scored = batcher.score(windowsOf([1, 2], [3]));
  await turns(1);
  session.die();
  assert.deepEqual([...(await scored)], [...numbersOf([1, 2]), ...numbersOf([3])]);
  assert.equal(started, 1);
  assert.equal(batcher.figures().restarts, 1);
  assert.equal(batcher.figures().broken, 0);
  await batcher.close();
});

test('while another session works, it takes the batch of one that cannot be started again', async () => {
  const gates: (() => void)[] = [];
  const dying = fakeSession(() => new Promise(() => undefined));
  const other = fakeSession(() => new Promise((open) => gates.push(open)));
  const batcher = batcherOf([dying, other], { restart: () => Promise.reject(new Error('no device')) });
  const scored = batcher.score(windowsOf([1, 2], [3]));
  await turns(1);
  dying.die();
  await turns(3);
  gates.shift()!();
  assert.deepEqual([...(await scored)], [...numbersOf([1, 2]), ...numbersOf([3])]);
  await batcher.close();
});

test('without any session everybody is told, nobody gets room, and it goes on when one starts', async () => {
  let device = false;
  const waits: number[] = [];
  const session = fakeSession();
  const batcher = batcherOf([session], {
    restart: () => (device ? Promise.resolve(fakeSession()) : Promise.reject(new Error('CUDA error 999'))),
    wait(ms) {
      waits.push(ms);
      return new Promise(setImmediate);
    },
  });
  const scored = batcher.score(windowsOf([1], [2]));
  session.die();
  await assert.rejects(scored, { name: 'EncoderUnavailable', code: 'encoder-unavailable' });
  await assert.rejects(batcher.score(windowsOf([1])), { name: 'EncoderUnavailable' });
  let roomy = false;
  const room = batcher.room(1).then(() => (roomy = true));
  await turns(30);
  assert.equal(roomy, false);
  assert.deepEqual(waits.slice(0, 9), [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  device = true;
  await room;
  assert.deepEqual([...(await batcher.score(windowsOf([5])))], numbersOf([5]));
  await batcher.close();
});

test('who is patient waits for the device, and loses nothing', async () => {
  let failures = 3;
  const session = fakeSession();
  const batcher = batcherOf([session], {
    restart: () => (failures-- > 0 ? Promise.reject(new Error('no device')) : Promise.resolve(fakeSession())),
  });
  const all = Array.from({ length: 50 }, (_, i) => [i + 1, i + 2]);
  const scored = Promise.all(all.map((row) => scorePatiently(batcher, windowsOf(row))));
  session.die();
  assert.deepEqual(
    (await scored).map((numbers) => [...numbers]),
    all.map(numbersOf),
  );
  await batcher.close();
  await assert.rejects(scorePatiently(batcher, windowsOf([1])), { code: 'encoder-closed' });
});

test('no window is at fault when a run fails on a device that does not work any more', async () => {
  const session = fakeSession();
  const lost: Session = {
    ...session,
    run: () => Promise.reject(new Error('device lost')),
    works: () => Promise.resolve(false),
  };
  const batcher = batcherOf([lost]);
  assert.deepEqual([...(await batcher.score(windowsOf([1], [2])))], [...numbersOf([1]), ...numbersOf([2])]);
  assert.equal(batcher.figures().broken, 0);
  await batcher.close();
});

test('a batch that is too large for the device runs in halves', async () => {
  const session = fakeSession();
  const small: Session = {
    ...session,
    run: (batch) => (batch.windows.length > 2 ? Promise.reject(new Error('out of memory')) : session.run(batch)),
  };
  const batcher = batcherOf([small]);
  const rows = Array.from({ length: 9 }, (_, i) => [i + 1, 2]);
  assert.deepEqual([...(await batcher.score(windowsOf(...rows)))], rows.flatMap(numbersOf));
  assert.equal(batcher.figures().broken, 0);
  await batcher.close();
});

test('it can be closed at any time: what is under way is rejected, and nobody waits', async () => {
  const never = () => new Promise<void>(() => undefined);
  const batcher = batcherOf([fakeSession(never), fakeSession(never)], { creditTokens: 4 });
  const scored = [batcher.score(windowsOf([1, 2, 3])), batcher.score(windowsOf([1]))];
  const rejected = Promise.all(scored.map((one) => assert.rejects(one, { code: 'encoder-closed' })));
  const room = batcher.room(100);
  await turns(1);
  await batcher.close();
  await rejected;
  await room;
  await assert.rejects(batcher.score(windowsOf([1])), { code: 'encoder-closed' });

  const waiting = Promise.withResolvers<void>();
  const lost = fakeSession();
  const restarting = batcherOf([lost], {
    restart: () => Promise.reject(new Error('no device')),
    wait: (_, signal) => {
      waiting.resolve();
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
    },
  });
  const unavailable = restarting.score(windowsOf([1]));
  lost.die();
  await assert.rejects(unavailable, { name: 'EncoderUnavailable' });
  await waiting.promise;
  await restarting.close();
});

test('windows that are none are refused, and no windows are answered', async () => {
  const batcher = batcherOf([fakeSession()]);
  const lengths = (...all: number[]): Windows => ({ ids: new Int32Array(65), lengths: Int32Array.from(all) });
  for (const wrong of [lengths(65), lengths(64), lengths(64, 1, 0), lengths(66, -1)])
    await assert.rejects(batcher.score(wrong), RangeError);
  assert.equal((await batcher.score(windowsOf())).length, 0);
  await batcher.close();
});
