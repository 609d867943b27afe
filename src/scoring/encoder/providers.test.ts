import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceSession } from 'onnxruntime-node';
import { ConfigError } from '../../errors.ts';
import { loadedOf, manifestOf, outputOf } from '../../testing/encoder-manifest.ts';
import type { LoadedEncoder } from '../scorer-set.ts';
import { graphFor, type Provider, startOnBest, trialGraph } from './providers.ts';

const encoder = loadedOf(manifestOf([outputOf('score', 0)]));

/** A machine with these providers. */
const machine =
  (...there: readonly Provider[]) =>
  (provider: Provider): Promise<string> =>
    there.includes(provider)
      ? Promise.resolve(`a session on ${provider}`)
      : Promise.reject(new ConfigError('encoder-provider', `provider ${provider}; no library; install it`));

test('auto takes the best that works, and says why not a better one', async () => {
  const chosen = (...there: readonly Provider[]) => startOnBest('auto', machine(...there), () => undefined);
  assert.deepEqual(await chosen('cpu', 'cuda', 'webgpu'), {
    provider: 'cuda',
    why: 'the first choice works',
    started: 'a session on cuda',
  });
  assert.equal((await chosen('cpu', 'webgpu')).provider, 'webgpu');
  assert.deepEqual(await chosen('cpu'), {
    provider: 'cpu',
    why: 'not cuda: no library; not webgpu: no library',
    started: 'a session on cpu',
  });
  await assert.rejects(chosen(), { message: /provider cpu/ });
  const { why } = await startOnBest('auto', machine('cpu', 'webgpu'), (provider) =>
    provider === 'webgpu' ? 'no GPU' : undefined,
  );
  assert.equal(why, 'not cuda: no library; not webgpu: no GPU');
});

test('what was asked for is not replaced by another', async () => {
  assert.equal((await startOnBest('cpu', machine('cpu', 'cuda'))).why, 'asked for');
  await assert.rejects(startOnBest('cuda', machine('cpu')), { code: 'encoder-provider' });
});

test('an int8 graph stays on the processor', () => {
  const graphs = (['int8', 'fp32', 'fp16'] as const).map((precision) => ({ path: precision, precision }));
  const loaded = (count: number): LoadedEncoder => ({ ...encoder, graphs: graphs.slice(0, count) });
  assert.equal(graphFor('cpu', loaded(3)).path, 'int8');
  assert.equal(graphFor('cuda', loaded(3)).path, 'fp16');
  assert.equal(graphFor('webgpu', { ...encoder, graphs: graphs.slice(0, 2) }).path, 'fp32');
  assert.equal(graphFor('cpu', { ...encoder, graphs: graphs.slice(2) }).path, 'fp16', 'what there is');
  assert.throws(() => graphFor('cuda', loaded(1)), { code: 'encoder-provider', message: /add the fp16 one/ });
});

test('the processor can load the graph that providers are tried with', async () => {
  const session = await InferenceSession.create(trialGraph);
  assert.deepEqual([session.inputNames, session.outputNames], [['x'], ['y']]);
});
