/** Sessions in their threads, on tiny graphs. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { encoderGraph } from '../../../training/encoder/graph.ts';
import { randomBert, randomHeads, tiny } from '../../../training/encoder/testing.ts';
import { bertClassifier } from '../../../training/onnx/bert-classifier.ts';
import { createGraph } from '../../../training/onnx/graph.ts';
import type { Port } from '../../../training/onnx/model.ts';
import { seededRandom } from '../../../training/random.ts';
import { createBatcher } from './batcher.ts';
import type { SessionData } from './protocol.ts';
import { type BatchLimits, createWindowQueue, widthFor } from './queue.ts';
import type { Session } from './session.ts';
import { startSession } from './session-thread.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'riffle-sessions-'));
after(() => rmSync(folder, { recursive: true }));

const ENTRIES = 50;
const batches: BatchLimits = { budgetTokens: 512, stepTokens: 8, maxTokens: 60 };
const single: BatchLimits = { budgetTokens: 1, stepTokens: 1, maxTokens: 60 };

type Given = Omit<SessionData, 'shared' | 'running'>;
type Inputs = Given['model']['inputs'];
const counted: Inputs = { ids: 'input_ids', lengths: 'lengths', type: 'int32' };
const masked: Inputs = {
  ids: 'input_ids',
  attentionMask: 'attention_mask',
  tokenTypes: 'token_type_ids',
  type: 'int64',
};

let files = 0;
function given(graph: Uint8Array, inputs: Inputs, columns: number, more: Partial<Given> = {}): Given {
  const modelFile = path.join(folder, `${files++}.onnx`);
  writeFileSync(modelFile, graph);
  const file = path.basename(modelFile);
  return {
    modelFile,
    model: { file, sha256: '', precision: 'fp32', inputs, output: 'logits', activation: 'sigmoid' },
    columns,
    entries: ENTRIES,
    pad: 0,
    provider: 'cpu',
    deviceId: 0,
    threads: 1,
    limits: single,
    ...more,
  };
}

const port = (name: string, type: Port['type'], ...dims: readonly (number | string)[]): Port => ({ name, type, dims });
const countedInputs = [port('input_ids', 'int32', 'batch', 'sequence'), port('lengths', 'int32', 'batch')];
const logits = port('logits', 'float32', 'batch', 1);

/** The sum of a window's ids, divided by its length: [batch, 1]. A table of a row for each id makes it refuse others. */
function meanGraph(inputs: readonly Port[] = countedInputs, outputs: readonly Port[] = [logits], opset = 17) {
  const graph = createGraph();
  const table = graph.constant(
    'table',
    Float32Array.from({ length: ENTRIES }, (_, id) => id),
    [ENTRIES],
  );
  const axis = graph.constant('axis', BigInt64Array.of(1n), [1]);
  const numbers = graph.node('Gather', [table, inputs[0]!.name]);
  const sum = graph.node('ReduceSum', [numbers, axis], { keepdims: { int: 1 } });
  const lengths = graph.node('Cast', [graph.node('Unsqueeze', [inputs[1]!.name, axis])], { to: { int: 1 } });
  graph.node('Div', [sum, lengths], {}, outputs[0]!.name);
  return graph.write({ inputs, outputs, opset });
}

test('a batch lies in shared memory, padded with the id of padding; lengths say what counts', async () => {
  const session = await startSession(given(meanGraph(), counted, 1, { limits: batches }));
  const numbers = await session.run({
    width: 8,
    windows: [
      { ids: Int32Array.of(1, 2, 3) },
      { ids: Int32Array.of(10) },
      { ids: Int32Array.of(4, 4, 4, 4, 4, 4, 4, 12) },
    ],
  });
  assert.deepEqual([...numbers], [2, 10, 5]);
  await session.close();
});

async function assertAlike(session: Session, columns: number, maxTokens: number): Promise<void> {
  const random = seededRandom(7);
  const windows = Array.from({ length: 60 }, (_, order) => {
    const ids = Int32Array.from({ length: 1 + Math.floor(random() * maxTokens) }, () => Math.floor(random() * ENTRIES));
    return { ids, order, length: ids.length };
  });
  const alone = new Map<number, number[]>();
  for (const window of windows)
    alone.set(window.order, [...(await session.run({ width: window.length, windows: [window] }))]);
  const queue = createWindowQueue<(typeof windows)[number]>({ ...batches, maxTokens });
  for (const window of windows) queue.push(window);
  let worst = 0;
  let largest = 0;
  for (let batch = queue.take(); batch !== undefined; batch = queue.take()) {
    const numbers = await session.run(batch);
    largest = Math.max(largest, batch.windows.length);
    for (const [i, { order }] of batch.windows.entries())
      for (let k = 0; k < columns; k++)
        worst = Math.max(worst, Math.abs(numbers[i * columns + k]! - alone.get(order)![k]!));
  }
  assert.ok(largest > 10 && worst < 1e-4, `${worst} in batches of up to ${largest}`);
  assert.ok(new Set([...alone.values()].map(([first]) => first!.toFixed(3))).size > 20, 'windows differ');
}

test('a window gets the same numbers alone and in any batch', async (t) => {
  await t.test('from a graph with a mask', async () => {
    const shape = { vocabulary: ENTRIES, positions: 64, hidden: 32, intermediate: 64, heads: 4, layers: 2, labels: 3 };
    const graph = bertClassifier(shape, seededRandom(7));
    const session = await startSession(given(graph, masked, 3, { limits: batches }));
    await assertAlike(session, 3, batches.maxTokens);
    await session.close();
  });
  await t.test('from a graph with lengths', async () => {
    const graph = encoderGraph(randomBert(tiny, 1), randomHeads([[tiny.hidden, 2]], 2), 'fp32');
    const limits = { ...batches, maxTokens: tiny.positions };
    const session = await startSession(given(graph, counted, 2, { limits, entries: tiny.vocabulary }));
    await assertAlike(session, 2, tiny.positions);
    await session.close();
  });
});

test('an id that the graph does not know breaks its window only', async () => {
  const session = await startSession(given(meanGraph(), counted, 1, { limits: batches }));
  const batcher = createBatcher({
    sessions: [session],
    restart: () => assert.fail('it does not die'),
    columns: 1,
    limits: batches,
    creditTokens: 4096,
    wait: () => assert.fail('it does not wait'),
  });
  const ids = Int32Array.from({ length: 30 }, (_, i) => (i === 17 ? ENTRIES : i));
  const numbers = await batcher.score({ ids, lengths: new Int32Array(30).fill(1) });
  assert.deepEqual(
    [...numbers],
    Array.from(ids, (id) => (id === ENTRIES ? Number.NaN : id)),
  );
  assert.equal(batcher.figures().broken, 1);
  await batcher.close();
});

/** The thread of a session in a module of its own, behind some code of ours. */
const threadBehind = (code: string): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`
      import { parentPort } from 'node:worker_threads';
      import { registerHooks } from 'node:module';
      ${code}
      await import(${JSON.stringify(new URL('./worker.ts', import.meta.url).href)});`)}`,
  );

/** One that ends without a word when it is given its second batch. */
const dying = threadBehind(
  `let batches = 0; parentPort.on('message', () => { if (++batches === 2) process.exit(1); });`,
);

/** One on a machine where the optional dependency is not installed. */
const bare = threadBehind(`
  registerHooks({
    resolve(name, context, next) {
      if (name === 'onnxruntime-node') throw new Error('Cannot find package');
      return next(name, context);
    },
  });`);

test('without the optional dependency an encoder says what to install', async () => {
  await assert.rejects(startSession(given(meanGraph(), counted, 1), bare), {
    name: 'ConfigError',
    code: 'encoder-runtime',
    message: 'package onnxruntime-node; Cannot find package; install it: npm install onnxruntime-node@1.30.0',
  });
});

test('a thread that ends under way is started again, and nothing is lost', async () => {
  const shape = { vocabulary: ENTRIES, positions: 64, hidden: 64, intermediate: 128, heads: 4, layers: 3, labels: 1 };
  const options = given(bertClassifier(shape, seededRandom(3)), masked, 1, { limits: batches });
  const sessions = await Promise.all([startSession(options, dying), startSession(options)]);
  const restart = () => startSession(options);
  const wait = () => assert.fail('a session can be started at once');
  const batcher = createBatcher({ sessions, restart, columns: 1, limits: batches, creditTokens: 1e6, wait });
  const random = seededRandom(4);
  const lengths = Int32Array.from({ length: 400 }, () => 1 + Math.floor(random() * 60));
  const total = lengths.reduce((a, b) => a + b);
  const ids = Int32Array.from({ length: total }, () => Math.floor(random() * ENTRIES));
  const numbers = await batcher.score({ ids, lengths });
  const undisturbed = await batcher.score({ ids, lengths });
  assert.ok(numbers.every((number, i) => Math.abs(number - undisturbed[i]!) < 1e-4));
  const { restarts, broken } = batcher.figures();
  assert.deepEqual({ restarts, broken }, { restarts: 1, broken: 0 });
  await batcher.close();
});

test('a process that exits while a run is under way keeps its status', async () => {
  const shape = { vocabulary: ENTRIES, positions: 512, hidden: 128, intermediate: 512, heads: 4, layers: 4, labels: 1 };
  const limits = { ...single, maxTokens: 512 };
  const options = given(bertClassifier(shape, seededRandom(5)), masked, 1, { limits });
  const script = `
    const { startSession } = await import(${JSON.stringify(new URL('./session-thread.ts', import.meta.url).href)});
    const session = await startSession(${JSON.stringify(options)});
    void session.run({ width: 512, windows: [{ ids: new Int32Array(512) }] });
    process.exit(7);`;
  const file = path.join(folder, 'exit.mjs');
  writeFileSync(file, script);
  const { status, stderr } = await promisify(execFile)(process.execPath, [file]).then(
    () => ({ status: 0, stderr: '' }),
    (error: { code: number; stderr: string }) => ({ status: error.code, stderr: error.stderr }),
  );
  assert.deepEqual({ status, stderr }, { status: 7, stderr: '' });
});

test('a graph that is not what the manifest says is refused, with the reason', async (t) => {
  const [ids, lengths] = countedInputs as [Port, Port];
  const whole = meanGraph();
  const refused = (name: string, wrong: Given, message: RegExp, code = 'scorer-graph') =>
    t.test(name, () => assert.rejects(startSession(wrong), { name: 'ConfigError', code, message }));

  await refused(
    'cut off',
    given(whole.subarray(0, 200), counted, 1),
    /Protobuf parsing failed\.; give a whole ONNX file/,
  );
  await refused('empty', given(new Uint8Array(0), counted, 1), /give a whole ONNX file/);
  await refused('no graph at all', given(Buffer.from('<html>'), counted, 1), /give a whole ONNX file/);
  await refused(
    'an opset to come',
    given(meanGraph(countedInputs, [logits], 99), counted, 1),
    /failed: ONNX Runtime only \*guarantees\* .* of a released opset/,
  );
  await refused(
    'a missing input',
    given(whole, { ...counted, ids: 'ids' }, 1),
    /no input ids; name one of input_ids, lengths/,
  );
  await refused(
    'an input too many',
    given(whole, masked, 1),
    /input input_ids takes int32, not int64; correct model.inputs.type/,
  );
  const unnamed = meanGraph([...countedInputs, port('temperature', 'float32', 1)]);
  await refused(
    'an input without a name in the manifest',
    given(unnamed, counted, 1),
    /input temperature is not in the manifest/,
  );
  await refused(
    'a fixed batch',
    given(meanGraph([{ ...ids, dims: [1, 'sequence'] }, lengths]), counted, 1),
    /takes 1 × sequence only; export with dynamic axes/,
  );
  await refused(
    'no such output',
    given(meanGraph(countedInputs, [{ ...logits, name: 'scores' }]), counted, 1),
    /no output logits; name one of scores/,
  );
  await refused('other columns', given(whole, counted, 6), /output logits has 1 columns and the manifest 6/);
  await refused(
    'an output for each token',
    given(meanGraph(countedInputs, [{ ...logits, dims: ['batch', 'sequence', 1] }]), counted, 1),
    /output logits is .*, not windows × 1; name the tensor of scores/,
  );
  await refused(
    'a larger vocabulary',
    given(whole, counted, 1, { entries: ENTRIES + 1 }),
    /does not know token 50, the vocabulary's last/,
    'scorer-vocabulary',
  );
  const shape = { vocabulary: ENTRIES, positions: 32, hidden: 8, intermediate: 8, heads: 1, layers: 1, labels: 1 };
  const short = bertClassifier(shape, seededRandom(1));
  await refused(
    'windows that are too long',
    given(short, masked, 1),
    /does not run on a window of 60 tokens: .*; give window\.tokens that/,
  );
  await refused(
    'a provider that is not here',
    given(whole, counted, 1, { provider: 'cuda', deviceId: 99 }),
    /provider cuda; .*; install what it needs, or choose cpu or auto/,
    'encoder-provider',
  );
});

test('rows have the width that the graph was warmed up for', () => {
  assert.deepEqual(
    [1, 8, 9, 57, 60].map((length) => widthFor(length, batches)),
    [8, 8, 16, 60, 60],
  );
});
