/**
 * What each topology is, as text, so that a reviewer sees in the diff what a change does to users: `node test/golden/update.ts` writes it again.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { configJsonSchema, describe } from '../../src/cli/describe.ts';
import { topicNames } from '../../src/runtime/topics.ts';
import { topologyNames } from '../../topologies/topology.ts';
import { configurationPage } from './configuration.ts';
import { configurationFile, goldenFile } from './files.ts';

const set: readonly string[] = [];

suite('golden describe', () => {
  for (const name of topologyNames)
    test(name, async () => {
      const golden = readFileSync(goldenFile(name), 'utf8');
      assert.equal(await describe(name, { set, format: 'text' }), golden, 'see node test/golden/update.ts');
    });
});

test('the reference of all settings is that of the schema', () => {
  assert.equal(readFileSync(configurationFile, 'utf8'), configurationPage(), 'see node test/golden/update.ts');
});

test('the JSON form says the same as the text', async () => {
  for (const name of topologyNames) {
    const golden = readFileSync(goldenFile(name), 'utf8').split('\n');
    const parsed = z
      .object({
        topology: z.object({ name: z.literal(name), operators: z.array(z.string()) }),
        outputs: z.array(z.string()).min(3),
        reasons: z.array(z.string()).min(3),
        deadLetters: z.array(z.string()).min(3),
        config: z.object({ app: z.string(), policy: z.object({}) }),
      })
      .parse(JSON.parse(await describe(name, { set, format: 'json' })));
    assert.deepEqual(parsed.outputs, section(golden, 'outputs'));
    assert.deepEqual(parsed.reasons, section(golden, 'reasons, in the order in which the first one counts'));
    assert.deepEqual(parsed.deadLetters, section(golden, 'dead letters'));
  }
});

/** The indented lines below a heading. */
function section(lines: readonly string[], heading: string): string[] {
  const rest = lines.slice(lines.indexOf(heading) + 1);
  return rest.slice(0, rest.indexOf('')).map((line) => line.trim());
}

test('the Mermaid form is a flow chart of every topic, each edge between a stage and a topic', async () => {
  for (const name of topologyNames) {
    const [head, ...edges] = (await describe(name, { set, format: 'mermaid' })).trimEnd().split('\n');
    assert.equal(head, 'flowchart LR');
    const topics = new Set<string>();
    for (const edge of edges) {
      const match = /^ {2}(\w+)(\(\[\w+\]\)|\["[\w.-]+"\]) --> (\w+)(\(\[\w+\]\)|\["[\w.-]+"\])$/.exec(edge);
      assert.ok(match, edge);
      const [, , from, , to] = match;
      assert.notEqual(from!.startsWith('(['), to!.startsWith('(['), edge);
      for (const end of [from!, to!]) if (end.startsWith('["')) topics.add(end.slice(2, -2));
    }
    const { output: _output, ...internal } = topicNames(name);
    const outputs = section(readFileSync(goldenFile(name), 'utf8').split('\n'), 'outputs');
    assert.deepEqual([...topics].sort(), [...Object.values(internal), ...outputs].sort());
  }
});

suite('JSON Schema of the configuration', () => {
  const schema = configJsonSchema();

  test('every key says what it means', () => {
    const silent: string[] = [];
    let keys = 0;
    function walk(node: unknown, at: string): void {
      if (typeof node !== 'object' || node === null) return;
      for (const [key, inner] of Object.entries((node as { properties?: object }).properties ?? {})) {
        keys++;
        if (!(inner as { description?: string }).description) silent.push(`${at}${key}`);
        walk(inner, `${at}${key}.`);
      }
      walk((node as { items?: unknown }).items, `${at}[].`);
    }
    walk(schema, '');
    assert.ok(keys > 80, `${keys} keys`);
    assert.deepEqual(silent, []);
  });

  test('it takes what the program takes and refuses an unknown key', () => {
    const compiled = z.fromJSONSchema(schema);
    for (const name of topologyNames) {
      const file = path.join(import.meta.dirname, `../../topologies/${name}.yaml`);
      const config = parse(readFileSync(file, 'utf8'), { schema: 'core' }) as object;
      assert.deepEqual(compiled.safeParse(config).error, undefined, name);
      assert.equal(compiled.safeParse({ ...config, polcy: {} }).success, false);
      assert.equal(compiled.safeParse({ ...config, workers: 'many' }).success, false);
    }
  });
});
