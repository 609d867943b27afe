/**
 * Snapshots of the index (protocol rule 5): files named by log position, written aside and renamed, pruned by position. Each has the log
 * position, the watermarks and the state of the index.
 */
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, unlink } from 'node:fs/promises';
import path from 'node:path';
import { createWholeIndex, type DedupOptions, loadWholeIndex, type WholeIndex } from '../dedup/dedup.ts';
import { FatalError } from '../errors.ts';

export interface IndexState {
  readonly index: WholeIndex;
  readonly watermarks: Map<number, bigint>;
  /** Offset of the next message of the sketch log to fold in. */
  position: bigint;
}

export interface SnapshotStore {
  /** True when the log to replay since the last snapshot has become long. */
  due(index: WholeIndex, position: bigint): boolean;
  /** True when anything was folded in since the last snapshot. */
  worthwhile(position: bigint): boolean;
  /** The caller has seen every verdict for positions before `position` acknowledged. */
  publish(state: IndexState): Promise<void>;
  /** Position of the kept snapshot, behind which nothing will be asked for any more; undefined as long as curate has reached none. */
  keptPosition(): Promise<bigint | undefined>;
  /** Newest first. */
  list(): Promise<{ file: string; position: bigint }[]>;
}

export interface SnapshotOptions {
  readonly directory: string;
  /** Documents between two snapshots. */
  readonly everyDocuments: number;
  /** N of a source partition, as curate committed it: a snapshot that old must stay, so that missing verdicts can be given again. */
  readonly decided: (partition: number) => Promise<bigint | undefined>;
}

const NAME = /^index-(\d{20})\.snapshot$/;
/** Snapshots kept at once. */
const MOST = 4;
const fileName = (position: bigint) => `index-${String(position).padStart(20, '0')}.snapshot`;
const MAGIC = 'riffle index snapshot 1\n';

export async function createSnapshotStore(options: SnapshotOptions): Promise<SnapshotStore> {
  const { directory, everyDocuments, decided } = options;
  await mkdir(directory, { recursive: true });
  for (const name of await readdir(directory)) if (name.endsWith('.writing')) await unlink(path.join(directory, name));
  let newest = (await list())[0]?.position ?? -1n;
  let documentsAtSnapshot = 0;

  async function list(): Promise<{ file: string; position: bigint }[]> {
    const names = await readdir(directory);
    return names
      .flatMap((name) => {
        const match = NAME.exec(name);
        return match ? [{ file: path.join(directory, name), position: BigInt(match[1]!) }] : [];
      })
      .sort((a, b) => (a.position < b.position ? 1 : -1));
  }

  /** The newest snapshot whose watermarks curate has passed in every partition, removing what is older and nothing else. */
  async function prune(): Promise<bigint | undefined> {
    const all = await list();
    // Asked once for all snapshots: it may be a request to a broker.
    const next = new Map<number, Promise<bigint | undefined>>();
    for (const [i, { file, position }] of all.entries()) {
      const { watermarks } = await readHead(file);
      for (const partition of watermarks.keys()) if (!next.has(partition)) next.set(partition, decided(partition));
      const passed = await Promise.all(
        [...watermarks].map(async ([partition, mark]) => mark <= ((await next.get(partition)) ?? 0n)),
      );
      if (!passed.every(Boolean)) continue;
      for (const old of all.slice(i + 1)) await rm(old.file, { force: true });
      return position;
    }
    return undefined;
  }

  return {
    list,
    due: (index, position) => position > newest && index.stats().documents - documentsAtSnapshot >= everyDocuments,
    worthwhile: (position) => position > newest,
    async publish({ index, watermarks, position }) {
      if (position <= newest) return;
      // One that is not wanted now is due again as many documents later.
      documentsAtSnapshot = index.stats().documents;
      // Those that wait for curate are never thinned out: what curate may still ask for has to be in one of them.
      if ((await list()).length >= MOST) await prune();
      if ((await list()).length >= MOST) return;
      const target = path.join(directory, fileName(position));
      const aside = `${target}.${process.pid}.writing`;
      const file = await open(aside, 'w');
      try {
        const head = JSON.stringify({
          position: String(position),
          watermarks: [...watermarks].map(([p, mark]) => [p, String(mark)]),
        });
        await file.write(`${MAGIC}${head}\n`);
        for (const piece of index.save()) await file.write(piece);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(aside, target);
      newest = position;
    },
    keptPosition: prune,
  };
}

async function readHead(file: string): Promise<{ position: bigint; watermarks: Map<number, bigint>; bodyAt: number }> {
  let head = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 16 })) {
    head = Buffer.concat([head, chunk as Buffer]);
    const end = head.indexOf(10, MAGIC.length);
    if (end < 0) continue;
    if (head.toString('latin1', 0, MAGIC.length) !== MAGIC) break;
    const { position, watermarks } = JSON.parse(head.toString('utf8', MAGIC.length, end)) as {
      position: string;
      watermarks: [number, string][];
    };
    return {
      position: BigInt(position),
      watermarks: new Map(watermarks.map(([p, mark]) => [p, BigInt(mark)])),
      bodyAt: end + 1,
    };
  }
  throw new FatalError(
    'foreign-snapshot',
    `index snapshot ${file}; it is not one of this version; remove it to rebuild the index from the log`,
  );
}

/**
 * The newest snapshot that the log still reaches (one below its start is of no use: the records behind it are gone), else an empty index at its
 * beginning. With `missing`, one from which every verdict of that partition from `missing.from` on is given again.
 */
export async function loadSnapshot(
  store: SnapshotStore,
  options: DedupOptions,
  start: bigint,
  missing: { readonly partition: number; readonly from: bigint } | undefined,
): Promise<IndexState> {
  for (const { file, position: named } of await store.list()) {
    if (named < start) break;
    const { position, watermarks, bodyAt } = await readHead(file);
    if (missing && (watermarks.get(missing.partition) ?? 0n) > missing.from) continue;
    return { index: loadWholeIndex(options, piecesOf(file, bodyAt)), watermarks, position };
  }
  if (start > 0n)
    throw new FatalError(
      'no-snapshot',
      `index; the sketch log begins at ${start} and no snapshot reaches it${missing ? ` from before ${missing.from} of partition ${missing.partition}` : ''}; restore the snapshot files, or start over with --fresh`,
    );
  return { index: createWholeIndex(options), watermarks: new Map(), position: 0n };
}

function* piecesOf(file: string, start: number): Generator<Uint8Array> {
  const descriptor = openSync(file, 'r');
  try {
    for (let at = start; ; ) {
      const piece = new Uint8Array(1 << 20);
      const got = readSync(descriptor, piece, 0, piece.length, at);
      if (got === 0) return;
      at += got;
      yield piece.subarray(0, got);
    }
  } finally {
    closeSync(descriptor);
  }
}
