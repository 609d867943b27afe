/** A stretch on its way through workers and encoders, with both of them made by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TransientError } from '../errors.ts';
import { DECIDING } from '../runtime/activity.ts';
import { WorkerDied, type WorkerPool } from '../runtime/pool.ts';
import type { Windows } from '../scoring/encoder/batcher.ts';
import type { Encoder } from '../scoring/encoder/encoder.ts';
import { EncoderUnavailable } from '../scoring/encoder/unavailable.ts';
import { policy } from '../testing/curate-alone.ts';
import { createDecider } from './curate-decide.ts';
import type { Asked } from './curate-doubts.ts';
import type { CurateResult } from './curate-records.ts';
import type { CurateRequest, DoubtsRequest } from './worker-requests.ts';

const stretch = { next: 0n, limit: 3n, sifted: [], verdicts: [] };
const result = { outputs: {} } as unknown as CurateResult;

/** Records 0 and 2, with two windows and one. */
const asked: Asked = {
  offsets: BigUint64Array.of(0n, 2n),
  counts: Uint32Array.of(2, 1),
  paths: Uint8Array.of(1, 2),
  ids: Int32Array.from({ length: 15_000 }, (_, i) => i),
  lengths: Int32Array.of(9000, 1000, 5000),
};

/** Says what it is asked for; `answer` may refuse. */
function poolOf(answer: (request: DoubtsRequest | CurateRequest, n: number) => void = () => undefined) {
  const requests: (DoubtsRequest | CurateRequest)[] = [];
  const pool = {
    size: 1,
    async callAny(request: DoubtsRequest | CurateRequest) {
      requests.push(request);
      answer(request, requests.length);
      return request.type === 'doubts' ? [asked] : result;
    },
  } as unknown as WorkerPool;
  return { pool, requests };
}

/** The number of a window is its first id. */
function encoderOf(before: (windows: Windows) => void = () => undefined): Encoder {
  return {
    room: async () => undefined,
    async score(windows: Windows) {
      before(windows);
      let at = 0;
      return Float32Array.from(windows.lengths, (length) => windows.ids[(at += length) - length]!);
    },
  } as unknown as Encoder;
}

const never = new AbortController().signal;

test('without an encoder a stretch is one request, as ever', async () => {
  const { pool, requests } = poolOf();
  const decider = createDecider({ pool, encoders: [], signal: never, hooks: {} });
  assert.equal(await decider.decide(5, stretch, policy), result);
  assert.deepEqual(
    requests.map(({ type }) => type),
    ['curate'],
  );
  assert.equal((requests[0] as CurateRequest).answers, undefined);
});

test('with one, its numbers come between two requests, whatever pieces the windows are handed in by', async () => {
  const { pool, requests } = poolOf();
  const pieces: number[] = [];
  const encoders = [encoderOf(({ ids }) => void pieces.push(ids.length))];
  const decider = createDecider({ pool, encoders, signal: never, hooks: {} });
  await decider.decide(5, stretch, policy);
  assert.deepEqual(pieces, [9000, 6000]);
  const [first, second] = requests as [DoubtsRequest, CurateRequest];
  assert.deepEqual([first.type, second.type], ['doubts', 'curate']);
  assert.equal(first.task.partition, 5);
  const { offsets, counts, paths } = asked;
  const numbers = Float32Array.of(0, 9000, 10_000);
  assert.deepEqual(second.answers, [{ offsets, counts, paths, numbers, tokens: 15_000 }]);
});

test('a worker that dies, and a registry that is away, cost no second question to the encoder', async () => {
  const died = new WorkerDied({ kind: DECIDING, sinceMs: 0, partition: 5, offset: 0n }, '');
  const { pool, requests } = poolOf((_, n) => {
    if (n === 1 || n === 3) throw died;
    if (n === 4) throw new TransientError('registry-unavailable', 'registry; away; wait');
  });
  let questions = 0;
  const why: string[] = [];
  const decider = createDecider({
    pool,
    encoders: [encoderOf(() => questions++)],
    signal: never,
    hooks: { waiting: (reason) => why.push(reason) },
  });
  assert.equal(await decider.decide(5, stretch, policy), result);
  assert.deepEqual(
    requests.map(({ type, poison }) => [type, poison]),
    [
      ['doubts', undefined],
      ['doubts', []],
      ['curate', []],
      ['curate', []],
      ['curate', []],
    ],
  );
  assert.equal(questions, 2, 'the two pieces, once each');
  assert.deepEqual(why, ['registry; away; wait']);
});

test('a device that is away is waited for, and only what it has not answered is handed in again', async () => {
  const { pool } = poolOf();
  const handed: number[] = [];
  let away = 2;
  const encoder = encoderOf(({ ids }) => {
    handed.push(ids.length);
    if (ids.length !== 9000 && away > 0) {
      away--;
      throw new EncoderUnavailable('gone');
    }
  });
  const why: string[] = [];
  let moved = 0;
  const hooks = { waiting: (reason: string) => why.push(reason), moved: () => moved++ };
  const decider = createDecider({ pool, encoders: [encoder], signal: never, hooks });
  await decider.decide(5, stretch, policy);
  // The second piece, twice nothing to see whether it is back, the second piece.
  assert.deepEqual(handed, [9000, 6000, 0, 0, 6000]);
  assert.equal(why.length, 2);
  assert.equal(moved, 2);
});

test('a stop while the device is away ends the wait', async () => {
  const { pool, requests } = poolOf();
  const stop = new AbortController();
  const encoder = encoderOf(() => {
    throw new EncoderUnavailable('gone');
  });
  const hooks = { waiting: () => stop.abort() };
  const decider = createDecider({ pool, encoders: [encoder], signal: stop.signal, hooks });
  await assert.rejects(decider.decide(5, stretch, policy));
  assert.deepEqual(
    requests.map(({ type }) => type),
    ['doubts'],
  );
});
