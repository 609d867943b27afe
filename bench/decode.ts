import { createReadStream, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { WARCParser } from 'warcio';
import { decodeRecord, openSource } from '../src/operators/decode/index.ts';
import { sharedPath } from '../src/testing/shared.ts';

/**
 * Input decoding: MB of decoded bytes per CPU-second (user + system, all threads) and records, beside warcio in the same run.
 * `node bench/decode.ts` prints the table. The input is the real pages of the shared data, repeated to the sizes printed; files come from the page cache.
 */
const jsonBytes = 256e6;
const warcBytes = 64e6;

interface Figure {
  readonly name: string;
  readonly records: number;
  readonly megabytes: number;
  readonly cpuSeconds: number;
}

type Work = (file: string) => Promise<number>;

interface Case {
  readonly name: string;
  readonly file: string;
  readonly decodedBytes: number;
  readonly work: Work;
}

/** The best of four rounds, of which the first also warms up. Each round runs every case, so that a busy machine hits all alike. */
async function measure(cases: readonly Case[]): Promise<Figure[]> {
  const best = cases.map(() => Number.POSITIVE_INFINITY);
  const records = cases.map(() => 0);
  for (let round = 0; round < 4; round++) {
    for (const [i, { file, work }] of cases.entries()) {
      const before = process.cpuUsage();
      records[i] = await work(file);
      const { user, system } = process.cpuUsage(before);
      best[i] = Math.min(best[i]!, (user + system) / 1e6);
    }
  }
  return cases.map(({ name, decodedBytes }, i) => ({
    name,
    records: records[i]!,
    megabytes: decodedBytes / 1e6,
    cpuSeconds: best[i]!,
  }));
}

function source(decode: boolean): Work {
  return async (file) => {
    let count = 0;
    for await (const batch of openSource({ path: file, sizeBytes: statSync(file).size })) {
      for (const record of batch.records) {
        if (decode && !record.skipped) decodeRecord(record);
        count++;
      }
    }
    return count;
  };
}

async function warcio(stream: AsyncIterable<Uint8Array>): Promise<number> {
  let count = 0;
  for await (const record of new WARCParser(stream, { parseHttp: false })) {
    await record.readFully(false);
    count++;
  }
  return count;
}

/** The parts, again and again, until there are `bytes` of them. */
function repeat(parts: readonly Buffer[], bytes: number): { plain: Buffer; gzip: Buffer } {
  const round = parts.reduce((sum, part) => sum + part.length, 0);
  const times = Math.ceil(bytes / round);
  const packed = parts.map((part) => zlib.gzipSync(part));
  return {
    plain: Buffer.concat(Array.from({ length: times }, () => parts).flat()),
    gzip: Buffer.concat(Array.from({ length: times }, () => packed).flat()),
  };
}

export async function run(): Promise<void> {
  const documents = sharedPath('data/web/crawl_docs_small/docs.jsonl.gz');
  const samples = sharedPath('data/web/warc_samples');
  if (documents === undefined || samples === undefined) {
    console.log('decode: shared data not found beside the repository; nothing measured');
    return;
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-bench-'));
  try {
    const write = (name: string, content: Buffer): string => {
      const file = path.join(folder, name);
      writeFileSync(file, content);
      return file;
    };
    // The documents with the contract's keys, as a crawl has them, and as they are (unknown keys travel in metadata).
    const raw = zlib.gunzipSync(readFileSync(documents)).toString().trim().split('\n');
    const own = raw.map((line, i) => JSON.stringify({ id: `d${i}`, source: 'bench', text: JSON.parse(line).text }));
    const lines = repeat([Buffer.from(`${own.join('\n')}\n`)], jsonBytes).plain;
    const unknown = repeat([Buffer.from(`${raw.join('\n')}\n`)], jsonBytes / 4).plain;
    const names = [
      'dolma/sample-0000.warc.gz',
      'dolma/sample-0001.warc.gz',
      'resiliparse/clueweb-quirk.warc.gz',
      'resiliparse/warcfile.warc.gz',
    ];
    const warc = repeat(
      names.map((name) => zlib.gunzipSync(readFileSync(path.join(samples, name)))),
      warcBytes,
    );

    const rows = Array.from({ length: 8000 }, (_, i) => own[i % own.length]!).map((line) => JSON.parse(line));
    const columns = ['id', 'source', 'text'].map((name) => ({ name, data: rows.map((row) => row[name]) }));
    const parquet = write('rows.parquet', Buffer.from(parquetWriteBuffer({ columnData: columns, rowGroupSize: 1000 })));
    const rowBytes = rows.reduce((sum, row) => sum + Buffer.byteLength(row.text), 0);

    const jsonl = write('lines.jsonl', lines);
    const jsonlUnknown = write('unknown.jsonl', unknown);
    const jsonlZstd = write('lines.jsonl.zst', zlib.zstdCompressSync(lines.subarray(0, lines.length / 4)));
    const plain = write('pages.warc', warc.plain);
    const gzip = write('pages.warc.gz', warc.gzip);
    const gunzip = (file: string) => createReadStream(file).pipe(zlib.createGunzip({ chunkSize: 1 << 18 }));

    const cases: Case[] = [
      { name: 'JSON lines, records only', file: jsonl, decodedBytes: lines.length, work: source(false) },
      { name: 'JSON lines, decoded', file: jsonl, decodedBytes: lines.length, work: source(true) },
      {
        name: 'JSON lines with unknown keys, decoded',
        file: jsonlUnknown,
        decodedBytes: unknown.length,
        work: source(true),
      },
      {
        name: 'JSON lines in zstd, records only',
        file: jsonlZstd,
        decodedBytes: lines.length / 4,
        work: source(false),
      },
      { name: 'Parquet (snappy), decoded', file: parquet, decodedBytes: rowBytes, work: source(true) },
      { name: 'WARC, records only', file: plain, decodedBytes: warc.plain.length, work: source(false) },
      { name: 'WARC, decoded', file: plain, decodedBytes: warc.plain.length, work: source(true) },
      { name: 'WARC in gzip, records only', file: gzip, decodedBytes: warc.plain.length, work: source(false) },
      { name: 'WARC in gzip, decoded', file: gzip, decodedBytes: warc.plain.length, work: source(true) },
      {
        name: 'gunzip alone',
        file: gzip,
        decodedBytes: warc.plain.length,
        work: async (file) => {
          for await (const chunk of gunzip(file)) void chunk;
          return 0;
        },
      },
      {
        name: 'warcio, WARC',
        file: plain,
        decodedBytes: warc.plain.length,
        work: (file) => warcio(createReadStream(file)),
      },
      {
        name: 'warcio behind node:zlib, WARC in gzip',
        file: gzip,
        decodedBytes: warc.plain.length,
        work: (file) => warcio(gunzip(file)),
      },
      {
        name: 'warcio alone, WARC in gzip',
        file: gzip,
        decodedBytes: warc.plain.length,
        work: (file) => warcio(createReadStream(file)),
      },
    ];
    print(await measure(cases));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function print(figures: readonly Figure[]): void {
  console.log(
    `${'decode'.padEnd(40)}${'MB/CPU-s'.padStart(10)}${'records/CPU-s'.padStart(15)}${'µs a record'.padStart(13)}`,
  );
  for (const { name, records, megabytes, cpuSeconds } of figures) {
    const perRecord = records === 0 ? '' : ((cpuSeconds / records) * 1e6).toFixed(1);
    const rate = records === 0 ? '' : Math.round(records / cpuSeconds).toLocaleString('en');
    console.log(
      `${name.padEnd(40)}${(megabytes / cpuSeconds).toFixed(0).padStart(10)}${rate.padStart(15)}${perRecord.padStart(13)}`,
    );
  }
  console.log('Not measured: the disk (files are in the page cache), extraction, writing. MB are decoded bytes.');
}

if (import.meta.main) await run();
