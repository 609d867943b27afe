import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceSession } from 'onnxruntime-node';
import { ConfigError } from '../../errors.ts';
import { type Provider, startOnBest, trialGraph } from './providers.ts';

const manifest = (precision: 'fp32' | 'int8') => {
  const inputs = { ids: 'ids', lengths: 'lengths', type: 'int32' as const };
  const model = { file: 'a.onnx', sha256: '', precision, inputs, output: 'logits', activation: 'sigmoid' as const };
  return { name: 'topic/test@1', model };
};

/** A machine with these providers. */
const machine =
  (...there: readonly Provider[]) =>
  (provider: Provider): Promise<string> =>
    there.includes(provider)
      ? Promise.resolve(`a session on ${provider}`)
      : Promise.reject(new ConfigError('encoder-provider', `provider ${provider}; no library; install it`));

test('auto takes the best that works, and says why not a better one', async () => {
  const chosen = (...there: readonly Provider[]) => startOnBest('auto', manifest('fp32'), machine(...there));
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
});

test('what was asked for is not replaced by another', async () => {
  assert.equal((await startOnBest('cpu', manifest('fp32'), machine('cpu', 'cuda'))).why, 'asked for');
  await assert.rejects(startOnBest('cuda', manifest('fp32'), machine('cpu')), { code: 'encoder-provider' });
});

test('an int8 model stays on the processor', async () => {
  const { provider, why } = await startOnBest('auto', manifest('int8'), machine('cpu', 'cuda'));
  assert.deepEqual([provider, why], ['cpu', 'the model is int8']);
  await assert.rejects(startOnBest('cuda', manifest('int8'), machine('cpu', 'cuda')), { code: 'encoder-provider' });
});

test('the processor can load the graph that providers are tried with', async () => {
  const session = await InferenceSession.create(trialGraph);
  assert.deepEqual([session.inputNames, session.outputNames], [['x'], ['y']]);
});
