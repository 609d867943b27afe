import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { ConfigError } from '../errors.ts';
import { topologyNames } from '../../topologies/topology.ts';
import { configurationHash } from './hash.ts';
import { loadConfig } from './load.ts';

const load = (topology: string, ...set: string[]) => loadConfig({ topology, set });

function yamlFile(t: TestContext, text: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-config-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'settings.yaml');
  writeFileSync(file, text);
  return file;
}

/** The message as its three parts: *subject; actual; remedy*. */
function refused(load: () => unknown): string[] {
  try {
    load();
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message.split('\n').flatMap((line) => line.split('; '));
  }
  throw new Error('nothing was refused');
}

test('each topology has a complete configuration of its own', () => {
  for (const name of topologyNames) {
    const config = load(name);
    assert.equal(config.app, name);
    assert.equal(config.policy.name, name);
  }
});

suite('later sources win, key by key', () => {
  test('defaults < topology < file < --set', (t) => {
    const file = yamlFile(t, 'language:\n  minConfidence: 0.3\npolicy:\n  control: { rate: 0.2 }\nworkers: 3\n');
    const config = loadConfig({ topology: 'text', file, set: ['workers=5', 'workers=6'] });
    assert.equal(config.language.minConfidence, 0.3);
    assert.equal(config.policy.control.rate, 0.2);
    assert.equal(config.policy.routes.other, 'other', 'what the file does not name stays');
    assert.equal(config.source.maxRecordSeconds, 10);
    assert.equal(config.workers, 6);
  });

  test('--set takes YAML values: numbers, lists, texts with an equals sign', () => {
    const config = load('text', 'rules.languages=[en, de]', 'dedup.seed=a=b', 'policy.seed="7"', 'log.retain=true');
    assert.deepEqual(config.rules.languages, ['en', 'de']);
    assert.equal(config.dedup.seed, 'a=b');
    assert.equal(config.policy.seed, '7');
    assert.equal(config.log.retain, true);
  });

  test('--set reaches into a list by number', () => {
    const [gate] = load('text', 'policy.gates.0.above=0.25').policy.gates;
    assert.deepEqual(gate, { scorer: 'toxicity/base@1', axis: 'toxic', above: 0.25 });
  });

  test('an empty file changes nothing', (t) => {
    assert.deepEqual(loadConfig({ topology: 'dedup', file: yamlFile(t, '# nothing\n'), set: [] }), load('dedup'));
  });
});

test('a configuration is frozen, all the way down', () => {
  const config = load('text');
  assert.throws(() => Object.assign(config.policy.gates[0]!, { above: 1 }), TypeError);
  assert.throws(() => Object.assign(config.dedup.window, { similarity: 0 }), TypeError);
});

suite('what is refused: key; what was given; what to write instead', () => {
  const cases: [setting: string, key: string, given: string, remedy: RegExp][] = [
    ['dedup.bandz=3', 'dedup.bandz', 'unknown key', /remove it/],
    ['polcy.x=1', 'polcy', 'unknown key', /remove it/],
    ['dedup.bands=no', 'dedup.bands', '"no"', /^give a number$/],
    ['dedup.bands=2.5', 'dedup.bands', '2.5', /^give a whole number$/],
    ['workers=0', 'workers', '0', /^give at least 1$/],
    ['language.minConfidence=1.5', 'language.minConfidence', '1.5', /^give at most 1$/],
    ['log.trimSeconds=0', 'log.trimSeconds', '0', /^give more than 0$/],
    ['output.format=csv', 'output.format', '"csv"', /jsonl or jsonl.zst or parquet/],
    ['rules.profiles=[x]', 'rules.profiles.0', '"x"', /gopher@datatrove/],
    ['policy=3', 'policy', '3', /keys and values/],
    ['app=Big', 'app', '"Big"', /lower-case/],
    ['policy.seed=', 'policy.seed', '""', /at least 1 characters/],
    ['policy.routes.other=../x', 'policy.routes.other', '"../x"', /^give letters/],
    ['policy.created=yesterday', 'policy.created', '"yesterday"', /^give a date$/],
    ['policy.dedup.votes=33', 'policy.dedup.votes', '33', /bands/],
    ['rules.profiles=["c4@datatrove"]', 'rules.decide', 'not given', /rules.profiles/],
    ['scoring.scorers=[]', 'policy.gates.0.scorer', '"toxicity/base@1"', /scoring.scorers/],
    ['dedup.bands=60', 'dedup.bands', '60', /^give at most 32/],
    ['log.requestTimeoutMs=15001', 'log.requestTimeoutMs', '15001', /transactionTimeoutMs/],
    ['source.skipTo=[3@x]', 'source.skipTo.0', '"3@x"', /3@1200/],
    ['source.skipTo=3@5', 'source.skipTo', '"3@5"', /log\.kind=kafka/],
    ['__proto__.polluted=1', '__proto__.polluted', 'unknown key', /remove it/],
  ];
  for (const [setting, key, given, remedy] of cases)
    test(setting, () => {
      const [subject, actual, ...advice] = refused(() => load('text', setting));
      assert.deepEqual([subject, actual], [key, given]);
      assert.match(advice.join('; '), remedy);
    });

  test('two sizes for one window', () => {
    const parts = refused(() => load('dedup', 'dedup.window.documents=9', 'dedup.window.memoryBytes=99999'));
    assert.equal(parts[0], 'dedup.window');
    assert.match(parts.at(-1), /keep one/);
  });

  test('everything wrong is named at once', () => {
    const parts = refused(() => load('text', 'workers=0', 'http.port=70000'));
    assert.ok(parts.includes('workers') && parts.includes('http.port'));
  });

  test('nothing outside the configuration is touched', () => {
    refused(() => load('text', '__proto__.polluted=1'));
    refused(() => load('text', 'constructor.prototype.polluted=1'));
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });

  test('--set without an equals sign, or for an item that a list does not have', () => {
    assert.match(refused(() => load('text', 'workers')).join(), /--set workers,no "=",write --set key=value/);
    assert.match(refused(() => load('text', 'policy.gates.1.above=1')).join(), /policy.gates has 1 items/);
  });

  test('a file that is missing, not YAML, or a list', (t) => {
    const file = (name: string) => () => loadConfig({ topology: 'text', file: name, set: [] });
    assert.match(refused(file('/nowhere/riffle.yaml')).join(), /\/nowhere\/riffle.yaml,it cannot be read/);
    assert.match(refused(file(yamlFile(t, 'a: [1'))).join(), /not YAML/);
    assert.match(refused(file(yamlFile(t, '- a\n'))).join(), /it holds a list/);
  });
});

suite('configuration hash', () => {
  const base = configurationHash('text', load('text'));

  test('machine and pace do not count', () => {
    for (const setting of [
      'workers=2',
      'http.port=1',
      'blocks.records=7',
      'log.retain=true',
      'source.maxRecordBytes=9',
    ])
      assert.equal(configurationHash('text', load('text', setting)), base, setting);
  });

  test('what decides counts, and so does the topology', () => {
    const others = ['policy.control.rate=0', 'dedup.minShingles=9', 'rules.tokens=whitespace', 'output.format=parquet'];
    const hashes = others.map((setting) => configurationHash('text', load('text', setting)));
    assert.equal(new Set([...hashes, base, configurationHash('dedup', load('text'))]).size, others.length + 2);
  });
});
