import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { FatalError, RiffleError } from '../errors.ts';
import { SIFTING } from './activity.ts';
import { createPool, WorkerDied, type WorkerPool } from './pool.ts';

/** A worker that does what it is told: answer, fail, exit, throw outside of a request, not answer (`wait`), or hang while it says what it is at. */
const obedient = module(`
  import { parentPort, workerData } from 'node:worker_threads';
  const activity = new DataView(workerData.activity);
  parentPort.postMessage({ id: 0 });
  parentPort.on('message', ({ id, order, value }) => {
    if (order === 'answer') parentPort.postMessage({ id, ok: [workerData.name, value] });
    if (order === 'fail') parentPort.postMessage({ id, error: { name: 'ConfigError', code: 'odd', message: 'odd value', stack: 'where' } });
    if (order === 'exit') process.exit(3);
    if (order === 'throw') setImmediate(() => { throw new Error('outside'); });
    if (order === 'hang') {
      activity.setFloat64(8, 1000, true);
      activity.setFloat64(16, 5, true);
      activity.setBigUint64(24, 77n, true);
      activity.setFloat64(0, ${SIFTING}, true);
      for (;;);
    }
  });
`);

function module(source: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}

function poolOf(t: TestContext, entry: URL, size: number): WorkerPool {
  const pool = createPool(entry, size, { name: 'pan' });
  t.after(() => pool.close());
  return pool;
}

const answer = (pool: WorkerPool, worker: number, value: unknown) => pool.call(worker, { order: 'answer', value });
const died = (error: unknown) => error instanceof WorkerDied && error.code === 'worker-died';

suite('requests and replies', () => {
  test('each request gets its own answer, from the worker that was asked', async (t) => {
    const pool = poolOf(t, obedient, 2);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => answer(pool, i % 2, i)));
    assert.deepEqual(
      answers,
      Array.from({ length: 20 }, (_, i) => ['pan', i]),
    );
    assert.deepEqual(await pool.callAny({ order: 'answer', value: 'any' }), ['pan', 'any']);
  });

  test('an error of the worker comes with name, code and stack', async (t) => {
    const pool = poolOf(t, obedient, 1);
    await assert.rejects(pool.call(0, { order: 'fail' }), (error) => {
      assert.ok(error instanceof RiffleError);
      const { name, code, message, stack } = error;
      assert.deepEqual(
        { name, code, message, stack },
        { name: 'ConfigError', code: 'odd', message: 'odd value', stack: 'where' },
      );
      return true;
    });
    assert.deepEqual(await answer(pool, 0, 1), ['pan', 1], 'the worker goes on');
  });
});

suite('a worker that dies', () => {
  for (const order of ['exit', 'throw'])
    test(`its open calls reject, and a new one takes its place: ${order}`, async (t) => {
      const pool = poolOf(t, obedient, 2);
      await answer(pool, 0, 'warm');
      const calls = [pool.call(0, { order: 'wait' }), pool.call(0, { order })];
      for (const result of await Promise.allSettled(calls))
        assert.ok(result.status === 'rejected' && died(result.reason));
      assert.deepEqual(await answer(pool, 0, 'again'), ['pan', 'again']);
      assert.deepEqual(await answer(pool, 1, 'other'), ['pan', 'other']);
    });

  test('replace stops one that hangs, and tells what it was at', async (t) => {
    const pool = poolOf(t, obedient, 1);
    await answer(pool, 0, 'warm');
    const stuck = pool.call(0, { order: 'hang' });
    const { promise: busy, resolve } = Promise.withResolvers<void>();
    const look = () => (pool.activity(0).kind === SIFTING ? resolve() : setImmediate(look));
    look();
    await busy;
    const replaced = pool.replace(0);
    await assert.rejects(stuck, (error) => {
      assert.ok(error instanceof WorkerDied);
      assert.deepEqual(error.activity, { kind: SIFTING, sinceMs: 1000, partition: 5, offset: 77n });
      return true;
    });
    await replaced;
    assert.deepEqual(await answer(pool, 0, 'new'), ['pan', 'new']);
    assert.equal(pool.activity(0).kind, 0, 'the new one has an activity of its own');
  });

  test('one that cannot start is the fault of the program: everything fails, nothing is tried again', async (t) => {
    const pool = poolOf(t, module("throw new Error('no table');"), 2);
    const cannotStart = (error: unknown) =>
      error instanceof FatalError && error.code === 'worker-start' && error.message.includes('no table');
    await assert.rejects(pool.call(0, { order: 'answer' }), cannotStart);
    await assert.rejects(pool.callAny({ order: 'answer' }), cannotStart);
  });
});
