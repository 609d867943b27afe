/** The committed manifests: as generated, valid against the published schemas, and true to the program that they start. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import { TriggerAuthentication } from '@kubernetes-models/keda/keda.sh/v1alpha1/TriggerAuthentication';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Service } from 'kubernetes-models/v1/Service';
import { parseAllDocuments } from 'yaml';
import { folder, manifests, resources } from '../../k8s/generate.ts';
import { nameOf, settings, stages } from '../../k8s/settings.ts';
import { type KafkaTopic, type KafkaUser, operations } from '../../k8s/strimzi.ts';
import { rulesOf } from '../../k8s/users.ts';
import { commandLine } from '../../k8s/workloads.ts';
import { loadTopology } from '../../src/cli/load-topology.ts';
import { processStages } from '../../src/cli/run-stream.ts';
import { groups, topicNames } from '../../src/runtime/topics.ts';

interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string> };
}

const files = await resources();
const all = Object.values(files).flat() as Resource[];
const policy = (await loadTopology(settings.topology, { set: [] })).policy;

/** By kind: throws where the published schema says no. */
const validators: Readonly<Record<string, (resource: Resource) => void>> = {
  'apps/v1 Deployment': (resource) => new Deployment(resource).validate(),
  'apps/v1 StatefulSet': (resource) => new StatefulSet(resource).validate(),
  'policy/v1 PodDisruptionBudget': (resource) => new PodDisruptionBudget(resource).validate(),
  'v1 ConfigMap': (resource) => new ConfigMap(resource).validate(),
  'v1 Service': (resource) => new Service(resource).validate(),
  'keda.sh/v1alpha1 ScaledObject': (resource) => new ScaledObject(resource as never).validate(),
  'keda.sh/v1alpha1 TriggerAuthentication': (resource) => new TriggerAuthentication(resource as never).validate(),
  'kafka.strimzi.io/v1 KafkaTopic': (resource) => checkTopic(resource as unknown as KafkaTopic),
  'kafka.strimzi.io/v1 KafkaUser': (resource) => checkUser(resource as unknown as KafkaUser),
};

/** By Strimzi's API reference: it publishes no package with its schemas. */
function checkTopic({ metadata, spec }: KafkaTopic): void {
  assert.deepEqual(Object.keys(spec).toSorted(), ['config', 'partitions', 'replicas', 'topicName']);
  assert.ok(Number.isInteger(spec.partitions) && spec.partitions >= 1);
  assert.ok(Number.isInteger(spec.replicas) && spec.replicas >= 1 && spec.replicas <= 32_767);
  assert.match(spec.topicName, /^[a-zA-Z0-9._-]{1,249}$/);
  assert.equal(metadata.labels['strimzi.io/cluster'], settings.kafka);
}

function checkUser({ metadata, spec }: KafkaUser): void {
  assert.equal(metadata.labels['strimzi.io/cluster'], settings.kafka);
  assert.ok(spec.authorization.acls.length > 0);
  for (const { resource, operations: allowed } of spec.authorization.acls) {
    assert.ok(['topic', 'group', 'transactionalId'].includes(resource.type));
    assert.ok(['literal', 'prefix'].includes(resource.patternType));
    assert.ok(allowed.length > 0 && allowed.every((operation) => operations.includes(operation)));
    assert.equal(new Set(allowed).size, allowed.length);
  }
}

const kindOf = ({ apiVersion, kind }: Resource): string => `${apiVersion} ${kind}`;

test('the committed files are what the code generates: npm run k8s', async () => {
  const generated = await manifests();
  assert.deepEqual(readdirSync(folder).toSorted(), Object.keys(generated).toSorted());
  for (const [name, text] of Object.entries(generated))
    assert.equal(readFileSync(path.join(folder, name), 'utf8'), text, name);
});

test('a reader of YAML 1.1 sees the same values', () => {
  for (const [name, want] of Object.entries(files)) {
    const documents = parseAllDocuments(readFileSync(path.join(folder, name), 'utf8'), { version: '1.1' });
    assert.deepEqual(
      documents.map((document) => document.toJS() as object),
      JSON.parse(JSON.stringify(want)),
    );
  }
});

test('every resource is valid against the schema of its kind', () => {
  for (const resource of all) {
    const validate = validators[kindOf(resource)];
    assert.ok(validate, kindOf(resource));
    assert.doesNotThrow(() => validate(resource), `${kindOf(resource)} ${resource.metadata.name}`);
  }
});

test('the schemas see a wrong type, a missing member and a wrong value', () => {
  const of = (kind: string) => structuredClone(all.find((resource) => kindOf(resource) === kind)!);
  const broken: [kind: string, breakIt: (resource: never) => void][] = [
    ['apps/v1 Deployment', (d: { spec: { replicas: unknown } }) => (d.spec.replicas = 'two')],
    ['apps/v1 StatefulSet', (s: { spec: { selector?: object } }) => delete s.spec.selector],
    ['keda.sh/v1alpha1 ScaledObject', (s: { spec: { triggers?: object } }) => delete s.spec.triggers],
    ['policy/v1 PodDisruptionBudget', (p: { kind: string }) => (p.kind = 'Budget')],
    ['kafka.strimzi.io/v1 KafkaTopic', (t: { spec: { partitions: unknown } }) => (t.spec.partitions = '12')],
    [
      'kafka.strimzi.io/v1 KafkaUser',
      (u: { spec: { authorization: { acls: { operations: string[] }[] } } }) =>
        (u.spec.authorization.acls[0]!.operations = ['Peek']),
    ],
  ];
  for (const [kind, breakIt] of broken) {
    const resource = of(kind);
    breakIt(resource as never);
    assert.throws(() => validators[kind]!(resource), kind);
  }
});

test('names are names to Kubernetes', () => {
  const seen = new Set<string>();
  for (const resource of all) {
    const { name, labels = {} } = resource.metadata;
    assert.match(name, /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/);
    for (const value of Object.values(labels)) assert.match(value, /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/);
    const key = `${kindOf(resource)} ${name}`;
    assert.ok(!seen.has(key), `${key} comes twice`);
    seen.add(key);
  }
});

test('every stage has a workload that starts it, with the configuration that it is given', async (t) => {
  assert.deepEqual([...stages], [...processStages]);
  const directory = mkdtempSync(path.join(tmpdir(), 'riffle-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const config = path.join(directory, 'riffle.yaml');
  const map = all.find(({ kind }) => kind === 'ConfigMap') as Resource & { data: Record<string, string> };
  writeFileSync(config, map.data['riffle.yaml']!);
  for (const stage of stages) {
    const args = commandLine(settings, stage);
    assert.deepEqual(args.slice(0, 4), ['run', settings.topology, '--stages', stage]);
    const set = args.flatMap((one, i) => (args[i - 1] === '--set' ? [one] : []));
    const loaded = await loadTopology(settings.topology, { config, set });
    assert.equal(loaded.config.log.kind, 'kafka');
    assert.equal(loaded.config.log.sasl?.username, nameOf(settings, stage));
    assert.equal(loaded.config.http.host, '0.0.0.0');
    assert.equal(loaded.config.app, settings.app);
    const workload = all.find(
      ({ kind, metadata }) => /Deployment|StatefulSet/.test(kind) && metadata.name === nameOf(settings, stage),
    );
    assert.ok(JSON.stringify(workload).includes(JSON.stringify(args)), stage);
  }
});

test('rules name topics, groups and transactions of this application only, and all that exist', () => {
  const names = topicNames(settings.app);
  const topics = (files['topics.yaml'] as KafkaTopic[]).map(({ spec }) => spec.topicName);
  for (const [who, rules] of Object.entries(rulesOf(settings, policy)))
    for (const { resource, operations: allowed } of rules) {
      const { type, name, patternType } = resource;
      const what = `${who}: ${type} ${name}`;
      assert.ok(!allowed.includes('All') && !allowed.includes('Create') && !allowed.includes('Alter'), what);
      if (type === 'topic' && patternType === 'literal') assert.ok(topics.includes(name), what);
      else if (type === 'group' && patternType === 'literal')
        assert.ok(
          Object.values(groups).some((group) => name === `${settings.app}.${group}`),
          what,
        );
      else assert.ok([`${settings.app}.`, `${settings.app}-curate-`].includes(name), what);
    }
  // Outputs are curate's alone, and raw is nobody's to write.
  const writers = (topic: string) =>
    Object.entries(rulesOf(settings, policy)).flatMap(([who, rules]) =>
      rules.some(({ resource, operations: allowed }) => resource.name === topic && allowed.includes('Write'))
        ? [who]
        : [],
    );
  assert.deepEqual(writers(names.raw), []);
  for (const topic of topics.filter((name) => /\.(?:curated\.|rejected|quarantine|control|dead-letter)/.test(name)))
    assert.deepEqual(writers(topic), ['curate'], topic);
});
