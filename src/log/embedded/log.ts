import path from 'node:path';
import { ConfigError, FatalError } from '../../errors.ts';
import type { Log, Position } from '../port.ts';
import {
  checkTopic,
  createCatalog,
  declareGroup,
  declareTopic,
  loadLength,
  partitionOf,
  readRange,
  type Topic,
} from './catalog.ts';
import { createConsumer } from './consume.ts';
import { makeDirectory, openEnvironment } from './environment.ts';
import { numberKey, readU64, TAG } from './layout.ts';
import { putPositions, readProgress, takeLease } from './lease.ts';
import { checkLines, joinLines, createOutputFiles } from './outputs.ts';
import { createTrimmer } from './trim.ts';
import { createWriter } from './writer.ts';

export interface EmbeddedLogOptions {
  /** Holds the log and nothing else. A local disk: LMDB does not work on network file systems. */
  readonly directory: string;
  /** Where the files of `records` topics are written. */
  readonly outputDirectory: string;
  /** Partition numbers that consumers of this process read; all when left out. */
  readonly partitions?: readonly number[];
  /** File of a `records` topic, without `.partial`. Left out: the name behind its first dot, and `.jsonl` (`web.curated.en` → `curated.en.jsonl`). */
  readonly fileName?: (topic: string) => string;
}

/** A log on one machine. What the port does not know is here: trimming, output files, size. */
export interface EmbeddedLog extends Log {
  /**
   * Removes messages that every registered group has passed; a bounded piece of work, to be called on a timer.
   * @returns messages removed, and whether another call would find more.
   */
  trim(): Promise<{ removed: number; more: boolean }>;
  /** Gives the output files their final names. May be called again; a commit after it makes them `.partial` again. */
  finish(): Promise<void>;
  /** Committed bytes of each output file by topic. */
  outputLengths(): ReadonlyMap<string, bigint>;
}

type Opened = Awaited<ReturnType<typeof openShared>>;
/** A process opens an environment once: a second handle would wait for the first one's write lock on the thread that holds it. */
const shared = new Map<string, { opened: Promise<Opened>; users: number; outputs: string; closing?: Promise<void> }>();

/**
 * Opens the log in `directory`, creating it when there is none, and cuts output files to what is committed.
 * @throws ConfigError `foreign-log`, `newer-log`, `log-unusable`, `output-differs`; FatalError `corrupt-log`, `output-cut`: nothing is overwritten.
 */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<EmbeddedLog> {
  const place = makeDirectory(options.directory);
  const outputs = path.resolve(options.outputDirectory);
  let entry = shared.get(place);
  while (entry?.closing !== undefined) {
    await entry.closing;
    entry = shared.get(place);
  }
  if (entry === undefined) {
    entry = { opened: openShared(options), users: 0, outputs };
    shared.set(place, entry);
  }
  if (entry.outputs !== outputs) {
    throw new ConfigError(
      'output-differs',
      `${options.directory}; is open with outputs in ${entry.outputs}, wanted ${outputs}; use one output folder a log`,
    );
  }
  const opening = entry;
  opening.users++;
  const release = async (): Promise<void> => {
    opening.users--;
    if (opening.users > 0) return;
    opening.closing = opening.opened.then(({ close }) => close()).finally(() => shared.delete(place));
    await opening.closing;
  };
  try {
    return makeLog(await opening.opened, options, release);
  } catch (error) {
    shared.delete(place);
    throw error;
  }
}

async function openShared(options: EmbeddedLogOptions) {
  const environment = openEnvironment(options.directory);
  const catalog = createCatalog(environment);
  const files = createOutputFiles(options.outputDirectory, options.fileName ?? defaultFileName);
  const writer = createWriter(environment, catalog, files);
  const trimmer = createTrimmer(environment, catalog, writer);
  const close = async (): Promise<void> => {
    await writer.close();
    await files.close();
    await environment.root.close();
  };
  try {
    for (const { key } of readRange(environment, Buffer.of(TAG.topic), Buffer.of(TAG.topic + 1))) {
      catalog.topic(Buffer.from(key).toString('utf8', 1));
    }
    for (const { key, value } of readRange(environment, Buffer.of(TAG.group), Buffer.of(TAG.group + 1))) {
      catalog.groups.set(Buffer.from(key).toString('utf8', 1), Number(value.readBigUInt64BE()));
    }
    const outputs = [...catalog.topics.values()].filter(({ kind }) => kind === 'records');
    // Inside a transaction: what lies behind the committed length could belong to another process's commit under way.
    await writer.run({
      bytes: 0,
      messages: 0,
      check() {
        for (const topic of outputs) files.recover(topic, loadLength(environment, topic));
      },
      apply: () => undefined,
    });
  } catch (error) {
    await close();
    throw error;
  }
  return { environment, catalog, files, writer, trimmer, close };
}

function defaultFileName(topic: string): string {
  return `${topic.slice(topic.indexOf('.') + 1)}.jsonl`;
}

function makeLog(opened: Opened, options: EmbeddedLogOptions, release: () => Promise<void>): EmbeddedLog {
  const { environment, catalog, files, writer, trimmer } = opened;
  const outputs = (): Topic[] => [...catalog.topics.values()].filter(({ kind }) => kind === 'records');
  let closed = false;
  const checkOpen = (): void => {
    if (closed)
      throw new FatalError('log-closed', `${options.directory}; the log was closed; this is a mistake in the program`);
  };

  async function commitPositions(group: number, positions: readonly Position[]): Promise<void> {
    checkOpen();
    await writer.run({
      bytes: 0,
      messages: positions.length,
      apply: () => putPositions(environment, catalog, group, positions, trimmer.moved),
    });
  }

  return {
    async ensureTopics(specs) {
      checkOpen();
      const known = new Set(catalog.topics.keys());
      const declared = writer.run({
        bytes: 0,
        messages: specs.length,
        check() {
          const fresh = specs.filter((spec) => !checkTopic(environment, spec));
          for (const { kind, name } of fresh) if (kind === 'records') files.create(name);
        },
        apply() {
          for (const spec of specs) {
            declareTopic(environment, catalog, spec);
            for (const group of spec.groups) declareGroup(environment, catalog, group);
          }
        },
      });
      await declared.catch((error: unknown) => {
        for (const { name } of specs) if (!known.has(name)) catalog.topics.delete(name);
        throw error;
      });
    },
    producer() {
      return {
        async append(name, partition, messages) {
          checkOpen();
          const topic = catalog.topic(name);
          const bytes = messages.reduce((sum, { value }) => sum + value.byteLength, 0);
          if (topic.kind === 'records') {
            checkLines(topic, messages);
            return writer.run({
              bytes,
              messages: messages.length,
              outputs: new Map([[topic, [joinLines(messages)]]]),
              apply: () => loadLength(environment, topic),
            });
          }
          const target = partitionOf(topic, partition);
          return writer.run({
            bytes,
            messages: messages.length,
            apply: (transaction) => transaction.append(topic, target, messages),
          });
        },
      };
    },
    async consumer(groupName, names) {
      checkOpen();
      const topics = names.map((name) => catalog.topic(name));
      const group =
        catalog.groups.get(groupName) ??
        (await writer.run({ bytes: 0, messages: 1, apply: () => declareGroup(environment, catalog, groupName) }));
      const commit = (positions: readonly Position[]): Promise<void> => commitPositions(group, positions);
      return createConsumer({
        environment,
        catalog,
        writer,
        files,
        group,
        topics,
        partitions: options.partitions,
        commit,
      });
    },
    async lease(group, partition) {
      checkOpen();
      return takeLease(environment, catalog, writer, group, partition, trimmer.moved);
    },
    async progress(groupName, partition) {
      checkOpen();
      const group = catalog.groups.get(groupName);
      return group === undefined ? undefined : readProgress(environment, group, partition);
    },
    async positions(groupName, name) {
      checkOpen();
      const found = new Map<number, bigint>();
      const group = catalog.groups.get(groupName);
      if (group === undefined) return found;
      const { id } = catalog.topic(name);
      const from = Buffer.from(numberKey(TAG.position, group, id));
      const to = Buffer.from(numberKey(TAG.position, group, id + 1));
      for (const { key, value } of readRange(environment, from, to))
        found.set(Buffer.from(key).readUInt32BE(9), readU64(value));
      return found;
    },
    maxValueBytes: async () => Number.MAX_SAFE_INTEGER,
    trim: async () => {
      checkOpen();
      return trimmer.trim();
    },
    async finish() {
      checkOpen();
      await writer.run({
        bytes: 0,
        messages: 0,
        check() {
          for (const topic of outputs()) files.finish(topic, loadLength(environment, topic));
        },
        apply: () => undefined,
      });
    },
    outputLengths: () => new Map(outputs().map((topic) => [topic.name, topic.lengthBytes])),
    async close() {
      if (closed) return;
      closed = true;
      await release();
    },
  };
}
