import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { OpenRegistry, SchemaRegistry } from '../src/schemas/registry.ts';

/**
 * Schemas on the way in and out: messages per CPU-second of one thread, beside JSON.parse and Confluent's own serializers in the same run.
 * `node bench/schemas.ts` prints the table. The records are what `riffle run web-crawl` makes of the sample crawl.
 */
const ROUNDS = 5;
const MESSAGES = 6000;
const root = path.resolve(import.meta.dirname, '..');
const topic = 'bench.rejected';

interface Case {
  readonly name: string;
  readonly work: () => Promise<void> | void;
}

/** The best of the rounds, of which the first two warm up; each runs every case, so that a busy machine hits all alike. */
async function measure(cases: readonly Case[]): Promise<number[]> {
  const best = cases.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < ROUNDS; round++)
    for (const [i, { work }] of cases.entries()) {
      const before = process.cpuUsage();
      await work();
      const { user, system } = process.cpuUsage(before);
      if (round >= 2) best[i] = Math.min(best[i]!, (user + system) / 1e6);
    }
  return best;
}

/** Output lines of the sample crawl, each with its line feed, `count` of them. */
function sampleLines(count: number): Buffer[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-bench-'));
  try {
    const order = ['run', 'web-crawl', '--input', 'samples/crawl.warc.gz', '--output', folder, '--no-http'];
    spawnSync(process.execPath, [path.join(root, 'bin/riffle.js'), ...order], { cwd: root, stdio: 'ignore' });
    const lines = readdirSync(folder)
      .filter((name) => /^(?:curated|rejected|quarantine).*\.jsonl$/.test(name))
      .flatMap((name) => readFileSync(path.join(folder, name), 'utf8').split('\n').slice(0, -1))
      .map((line) => Buffer.from(`${line}\n`));
    return Array.from({ length: count }, (_, i) => lines[i % lines.length]!);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function run(): Promise<void> {
  const lines = sampleLines(MESSAGES);
  const before = process.cpuUsage();
  const { openRegistry } = await import('../src/schemas/registry.ts');
  const open = (format: 'avro' | 'json') => {
    const options: OpenRegistry = {
      url: `mock://bench-${format}`,
      format,
      subjects: new Map([[topic, 'record']]),
      autoRegister: true,
    };
    return openRegistry(options);
  };
  const [avro, json] = [await open('avro'), await open('json')];
  const { user, system } = process.cpuUsage(before);
  const bytes = lines.reduce((sum, line) => sum + line.length, 0);
  console.log(
    `${lines.length} records of ${Math.round(bytes / lines.length)} bytes; loading the client and its first schemas took ${((user + system) / 1e6).toFixed(2)} CPU-s`,
  );

  const written = {
    avro: lines.map((line) => avro.encode(topic, line)),
    json: lines.map((line) => json.encode(topic, line)),
  };
  const cases = [
    { name: 'JSON.parse of a line, for scale', work: () => lines.forEach((line) => JSON.parse(line.toString())) },
    { name: 'write Avro', work: encodes(avro, lines) },
    { name: 'write JSON', work: encodes(json, lines) },
    { name: "write Avro by Confluent's serializer", work: await confluent('avro', lines) },
    { name: "write JSON by Confluent's serializer", work: await confluent('json', lines) },
    { name: 'read Avro', work: decodes(avro, written.avro) },
    { name: 'read JSON, validated', work: decodes(json, written.json) },
  ];
  const seconds = await measure(cases);
  for (const [i, { name }] of cases.entries()) {
    const each = (seconds[i]! / lines.length) * 1e6;
    console.log(
      `${name.padEnd(40)} ${Math.round(1e6 / each)
        .toLocaleString('en')
        .padStart(9)} /CPU-s ${each.toFixed(1).padStart(7)} µs`,
    );
  }
  const size = (messages: readonly Uint8Array[]) => messages.reduce((sum, message) => sum + message.length, 0);
  console.log(`Avro takes ${((size(written.avro) / bytes) * 100).toFixed(0)} % of the bytes of JSON, uncompressed`);
  console.log('Not measured: the registry itself, which is asked once a schema; Kafka; compression.');
}

const encodes = (registry: SchemaRegistry, lines: readonly Buffer[]) => () => {
  for (const line of lines) registry.encode(topic, line);
};

const decodes = (registry: SchemaRegistry, messages: readonly Uint8Array[]) => async () => {
  for (const message of messages) await registry.decodeRaw(message);
};

/** From a line to a message as a program would that uses the package as it comes; metadata and signals made text again. */
async function confluent(format: 'avro' | 'json', lines: readonly Buffer[]): Promise<() => Promise<void>> {
  const { default: sr } = await import('@confluentinc/schemaregistry');
  const client = sr.SchemaRegistryClient.newClient({ baseURLs: [`mock://bench-${format}`] });
  const { schemaOf } = await import('../src/schemas/subjects.ts');
  await client.register(`${topic}-value`, schemaOf('record', format), false);
  const conf = { useLatestVersion: true, autoRegisterSchemas: false };
  const serializer =
    format === 'avro'
      ? new sr.AvroSerializer(client, sr.SerdeType.VALUE, conf)
      : new sr.JsonSerializer(client, sr.SerdeType.VALUE, conf);
  return async () => {
    for (const line of lines) {
      const value = JSON.parse(line.toString()) as { metadata?: object; signals: object; position: { offset: string } };
      const { metadata, signals, position } = value;
      const texts = {
        metadata: metadata === undefined ? null : JSON.stringify(metadata),
        signals: JSON.stringify(signals),
        position: { ...position, offset: Number(position.offset) },
      };
      await serializer.serialize(topic, format === 'avro' ? { ...value, ...texts } : value);
    }
  };
}

if (import.meta.main) await run();
