/** The dashboard and the alert rules on the real thing: promtool for the rules, a Prometheus that scrapes a run of the sample for the queries. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { file, overview } from '../../dashboards/generate.ts';
import { rows } from '../../dashboards/panels.ts';
import { freePorts } from '../../scripts/free-ports.ts';
import { skip } from '../../src/testing/shared.ts';

const root = path.resolve(import.meta.dirname, '../..');
const rules = path.join(root, 'dashboards/alerts.yaml');
const ruleTests = path.join(root, 'dashboards/alerts.test.yaml');

function installed(t: TestContext, program: 'promtool' | 'prometheus'): boolean {
  if (spawnSync(program, ['--version']).status === 0) return true;
  skip(t, `${program}; not installed; get the package prometheus of your distribution to run this test`);
  return false;
}

test('the committed dashboard is the one that panels.ts describes', () => {
  assert.equal(readFileSync(file, 'utf8'), overview());
});

test('every alert has a unit test, and promtool passes them', (t) => {
  if (!installed(t, 'promtool')) return;
  const { groups } = parse(readFileSync(rules, 'utf8')) as { groups: { rules: { alert: string }[] }[] };
  const tests = parse(readFileSync(ruleTests, 'utf8')) as {
    tests: { alert_rule_test: { alertname: string; exp_alerts?: object[] }[] }[];
  };
  const firing = new Set(
    tests.tests.flatMap((one) => one.alert_rule_test.filter((a) => a.exp_alerts !== undefined).map((a) => a.alertname)),
  );
  const alerts = groups.flatMap((group) => group.rules.map(({ alert }) => alert));
  assert.deepEqual(
    alerts.filter((alert) => !firing.has(alert)),
    [],
  );

  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', ruleTests], { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
});

test('every query of the dashboard returns data of a run of the sample crawl', { timeout: 300_000 }, async (t) => {
  if (!installed(t, 'prometheus')) return;
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-dashboards-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const prometheus = await startPrometheus(t, folder);

  // The sample a few times over, so that it is scraped while it runs.
  mkdirSync(path.join(folder, 'in'));
  for (let i = 0; i < 12; i++)
    copyFileSync(path.join(root, 'samples/crawl.warc.gz'), path.join(folder, `in/${i}.warc.gz`));
  const run = spawn(
    process.execPath,
    [
      ...[path.join(root, 'bin/riffle.js'), 'run', 'web-crawl', '--input', path.join(folder, 'in')],
      ...['--output', path.join(folder, 'out'), '--port', String(prometheus.target), '--set', 'workers=1'],
      // So few records need a large control sample for a lift to show.
      ...['--set', 'policy.control.rate=0.3'],
    ],
    { stdio: 'ignore' },
  );
  t.after(() => run.kill('SIGKILL'));
  const ended = new Promise<number | null>((resolve) => run.on('close', resolve));

  const missing = new Map(
    rows.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries.map(({ expr }) => [expr, ''] as const))),
  );
  let running = true;
  void ended.then(() => (running = false));
  // Once more after the end: what was scraped last is still in sight.
  for (let last = false; missing.size > 0 && !last; ) {
    last = !running;
    await sleep(500);
    for (const expr of missing.keys()) {
      const answer = await prometheus.query(expr.replaceAll('$__rate_interval', '30s'));
      if (answer.some(({ value: [, number] }) => Number.isFinite(Number(number)))) missing.delete(expr);
    }
  }
  assert.deepEqual([...missing.keys()], []);
  assert.equal(await ended, 0);
});

interface Prometheus {
  /** Port that it scrapes. */
  readonly target: number;
  query(expr: string): Promise<readonly { readonly value: readonly [number, string] }[]>;
}

async function startPrometheus(t: TestContext, folder: string): Promise<Prometheus> {
  const [port = 0, target = 0] = await freePorts(2);
  const scrape = {
    global: { scrape_interval: '500ms', scrape_timeout: '500ms' },
    rule_files: [rules],
    scrape_configs: [{ job_name: 'riffle', static_configs: [{ targets: [`127.0.0.1:${target}`] }] }],
  };
  const config = path.join(folder, 'prometheus.json');
  writeFileSync(config, JSON.stringify(scrape));
  const server = spawn(
    'prometheus',
    [
      ...[`--config.file=${config}`, `--storage.tsdb.path=${path.join(folder, 'tsdb')}`],
      ...[`--web.listen-address=127.0.0.1:${port}`, '--log.level=error'],
    ],
    { stdio: 'ignore' },
  );
  t.after(() => server.kill('SIGKILL'));
  const address = `http://127.0.0.1:${port}`;
  while (
    !(await fetch(`${address}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    assert.equal(server.exitCode, null, 'prometheus ended');
    await sleep(100);
  }
  return {
    target,
    async query(expr) {
      const response = await fetch(`${address}/api/v1/query`, {
        method: 'POST',
        body: new URLSearchParams({ query: expr }),
      });
      const { status, error, data } = (await response.json()) as {
        status: string;
        error?: string;
        data: { result: { value: [number, string] }[] };
      };
      assert.equal(status, 'success', `${expr}: ${error}`);
      return data.result;
    },
  };
}
