import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { ConfigError } from '../errors.ts';
import { httpRoutes, startHttp } from './http.ts';
import { parseExposition } from './parse-exposition.test.ts';

const health = { ready: () => true, status: () => 'riffle\nrecords 7\n' };

function registryOfEach(): { registry: Registry; collected: () => number } {
  const registry = new Registry();
  const registers = [registry];
  let collections = 0;
  new Counter({ name: 'riffle_a_total', help: 'A.', labelNames: ['why'], registers }).inc({ why: 'a "b"\\\n' }, 2);
  const timing = new Histogram({ name: 'riffle_b_seconds', help: 'B.', buckets: [0.1, 1], registers });
  for (const seconds of [0.05, 0.5, 5]) timing.observe(seconds);
  const looks = new Gauge({
    name: 'riffle_c',
    help: 'C.',
    registers: [],
    collect() {
      this.set(++collections);
    },
  });
  registry.registerMetric(looks);
  return { registry, collected: () => collections };
}

const get = (registry: Registry, accept?: string) =>
  httpRoutes(registry, health).request('/metrics', accept === undefined ? {} : { headers: { accept } });

suite('/metrics', () => {
  test('Prometheus text by default', async () => {
    const response = await get(registryOfEach().registry);
    assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    const families = parseExposition(await response.text());
    assert.deepEqual([...families.keys()], ['riffle_a_total', 'riffle_b_seconds', 'riffle_c']);
    assert.deepEqual(families.get('riffle_a_total')?.samples, [
      { name: 'riffle_a_total', labels: { why: 'a "b"\\\n' }, value: 2 },
    ]);
    const buckets = families.get('riffle_b_seconds')!.samples.map(({ labels, value }) => [labels.le, value]);
    assert.deepEqual(buckets, [
      ['0.1', 1],
      ['1', 2],
      ['+Inf', 3],
      [undefined, 5.55],
      [undefined, 3],
    ]);
  });

  test('OpenMetrics when it is asked for', async () => {
    const response = await get(
      registryOfEach().registry,
      'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5',
    );
    assert.equal(response.headers.get('content-type'), 'application/openmetrics-text; version=1.0.0; charset=utf-8');
    const text = await response.text();
    assert.ok(text.endsWith('\n# EOF\n'));
    assert.match(text, /^# TYPE riffle_a counter$/m);
    assert.match(text, /^riffle_a_total\{/m);
    assert.doesNotMatch(text, /\n\n/);
  });

  test('one form does not change the other, and every reader collects', async () => {
    const { registry, collected } = registryOfEach();
    const withoutC = (text: string) => text.replace(/^riffle_c .*$/m, '');
    const before = withoutC(await (await get(registry)).text());
    const open = withoutC(await (await get(registry, 'application/openmetrics-text')).text());
    assert.equal(withoutC(await (await get(registry)).text()), before);
    assert.equal(withoutC(await (await get(registry, 'application/openmetrics-text')).text()), open);
    assert.equal(collected(), 4);
    assert.match(await (await get(registry)).text(), /^riffle_c 5$/m);
  });
});

test('/livez, /readyz and / say how the process is', async () => {
  let ready = false;
  const app = httpRoutes(new Registry(), { ...health, ready: () => ready });
  const statusOf = async (path: string) => (await app.request(path)).status;
  assert.deepEqual([await statusOf('/livez'), await statusOf('/readyz'), await statusOf('/other')], [200, 503, 404]);
  ready = true;
  assert.equal(await statusOf('/readyz'), 200);
  assert.equal(await (await app.request('/')).text(), health.status());
});

test('what stands is neither live nor ready, and says so', async () => {
  let stands: string | undefined = 'sift; its loop has stood for 601 s';
  const app = httpRoutes(new Registry(), { ...health, stands: () => stands });
  const answer = async (path: string) => {
    const response = await app.request(path);
    return [response.status, await response.text()];
  };
  assert.deepEqual(await answer('/livez'), [503, `${stands}\n`]);
  assert.deepEqual(await answer('/readyz'), [503, 'not ready\n']);
  stands = undefined;
  assert.deepEqual(
    [await answer('/livez'), await answer('/readyz')],
    [
      [200, 'ok\n'],
      [200, 'ready\n'],
    ],
  );
});

suite('the port', () => {
  const app = httpRoutes(new Registry(), health);

  test('0 picks a free one, which answers until it is closed', async () => {
    const server = await startHttp(app, '127.0.0.1', 0, false);
    const url = `http://127.0.0.1:${server.port}/livez`;
    assert.equal(await (await fetch(url)).text(), 'ok\n');
    await server.close();
    await assert.rejects(fetch(url));
  });

  test('a taken one: another where it was the default, an error where it was asked for', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    const server = await startHttp(app, '127.0.0.1', port, true);
    assert.notEqual(server.port, port);
    await server.close();
    await assert.rejects(startHttp(app, '127.0.0.1', port, false), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, new RegExp(`^http.port ${port} on 127.0.0.1; .*EADDRINUSE.*; .*--port`));
      return true;
    });
    taken.close();
  });
});
