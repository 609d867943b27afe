import { styleText } from 'node:util';
import { createFingerprinter, PUBLISHED_SEED } from '../dedup/dedup.ts';
import { ConfigError } from '../errors.ts';
import type { Findings } from '../log/kafka/check.ts';
import { expandInputs } from '../operators/decode/inputs.ts';
import { createOperator } from '../operators/create.ts';
import { loadLanguageTable } from '../operators/language/table.ts';
import { policyName } from '../pruning/policy.ts';
import { createStage0 } from '../scoring/stage0.ts';
import { startEncoders } from './encoders.ts';
import { type ConfigOptions, type Loaded, loadTopology } from './load-topology.ts';
import type { Terminal } from './terminal.ts';

interface CheckOptions extends ConfigOptions {
  readonly input: readonly string[];
  readonly stages?: string;
  readonly json?: boolean;
}

/** `riffle check`. @throws ConfigError with everything that would make a run fail, behind the report of what is well. */
export async function checkCommand(name: string, options: CheckOptions, terminal: Terminal): Promise<void> {
  const loaded = await loadTopology(name, options, terminal.variable);
  const { ok, warnings } = await checkTopology(loaded, options.input);
  const onLog = await checkLog(loaded, options, terminal);
  const report = { ok: [...ok, ...onLog.ok], warnings: [...warnings, ...onLog.warnings] };
  const { errors } = onLog;
  process.stdout.write(
    options.json ? `${JSON.stringify(errors.length > 0 ? { ...report, errors } : report)}\n` : printReport(report),
  );
  if (errors.length > 0) throw new ConfigError('check', errors.join('\n'));
}

const nothing: Findings = { ok: [], warnings: [], errors: [] };

async function checkLog(loaded: Loaded, { stages }: CheckOptions, terminal: Terminal): Promise<Findings> {
  if (loaded.config.log.kind !== 'kafka') {
    if (stages === undefined) return nothing;
    throw new ConfigError('stages', '--stages; the embedded log has all of them in one process; set log.kind=kafka');
  }
  const [{ checkKafka }, { stagesOf }] = await Promise.all([import('./check-kafka.ts'), import('./run-stream.ts')]);
  return checkKafka(loaded, stagesOf(stages), terminal);
}

interface Report {
  readonly ok: readonly string[];
  readonly warnings: readonly string[];
}

/** Builds everything that a run would build, and lets it go again. @throws ConfigError for the first thing that is wrong. */
export async function checkTopology(
  { topology, config, scorers, policy }: Loaded,
  inputs: readonly string[],
): Promise<Report> {
  const ok: string[] = [`configuration of ${topology.name}`];
  const warnings: string[] = [];
  const tables = { language: topology.operators.includes('language') ? loadLanguageTable() : undefined };
  for (const name of topology.operators) await createOperator(name, config, tables);
  ok.push(`operators decode, ${[...topology.operators, 'fingerprint'].join(', ')}`);
  createFingerprinter(config.dedup);
  if (scorers) createStage0(scorers);
  for (const { manifest } of scorers?.scorers ?? [])
    ok.push(`scorer ${manifest.name}: files, digests and self-test scores`);
  ok.push(...(await checkEncoders({ scorers, config })));
  ok.push(`policy ${policyName(policy)}, owner ${policy.owner}`);
  if (inputs.length > 0) {
    const { files, ignored } = expandInputs(inputs);
    const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    ok.push(`inputs: ${files.length} files, ${bytes} bytes`);
    const left = ignored.symlinks + ignored.hidden + ignored.otherNames;
    if (left > 0)
      warnings.push(
        `inputs; ${left} entries of folders are left out (${ignored.symlinks} links, ${ignored.hidden} hidden, ${ignored.otherNames} with other names); name a file itself to take it`,
      );
  }
  if (config.dedup.seed === PUBLISHED_SEED)
    warnings.push(
      'dedup.seed; it is the published default; set a secret one in production, or somebody can prepare pages that suppress others',
    );
  return { ok, warnings };
}

/** Starts every encoder that is configured and scores its self-test texts. @throws ConfigError */
async function checkEncoders(loaded: Pick<Loaded, 'scorers' | 'config'>): Promise<string[]> {
  const encoders = await startEncoders(loaded, { workers: 1 });
  await encoders.close();
  return encoders.notes.map(({ name, runs }) => `scorer ${name}: files, digests and self-test scores, ${runs}`);
}

function printReport({ ok, warnings }: Report): string {
  const lines = [
    ...ok.map((text) => `${styleText('green', 'ok')}    ${text}`),
    ...warnings.map((text) => `${styleText('yellow', 'warn')}  ${text}`),
  ];
  return `${lines.join('\n')}\n`;
}
