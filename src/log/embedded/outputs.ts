import { closeSync, existsSync, fsyncSync, ftruncateSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError, FatalError, TransientError } from '../../errors.ts';
import type { Message, OutMessage } from '../port.ts';
import type { Topic } from './catalog.ts';

const NEWLINE = 10;
/** What one gathering write may hold (IOV_MAX is 1,024 on Linux and macOS). */
const MAX_VECTORS = 1024;

/**
 * The files of `records` topics: one line a message, `<topic>.jsonl.partial` until the run is complete.
 * What counts is the length committed in the log; bytes behind it are leftovers of a transaction that did not happen.
 * Everything that changes a file is called inside a write transaction of the log, which is exclusive over all processes.
 */
export interface OutputFiles {
  /** @throws ConfigError `output-exists` when a file of that name holds something that is not this log's. */
  create(name: string): void;
  /** Cuts the file to its committed length. @throws FatalError `output-cut` when it is shorter. */
  recover(topic: Topic, lengthBytes: bigint): void;
  /** Writes whole lines behind `lengthBytes` and syncs. @returns the new length, to be committed. */
  append(topic: Topic, lengthBytes: bigint, chunks: readonly Uint8Array[]): Promise<bigint>;
  /** Gives the file its final name. Does nothing when it has it. */
  finish(topic: Topic, lengthBytes: bigint): void;
  /** Whole lines from byte `from`, at least one, up to about `maxBytes`, never beyond the committed byte `to`. */
  read(topic: Topic, from: bigint, to: bigint, maxBytes: number, timestampMs: number): Promise<Message[]>;
  close(): Promise<void>;
}

export function createOutputFiles(directory: string, fileName: (topic: string) => string): OutputFiles {
  const handles = new Map<string, FileHandle>();
  const written = new Map<string, bigint>();
  const finalName = ({ name }: { readonly name: string }): string => path.join(directory, fileName(name));
  const partialName = (topic: { readonly name: string }): string => `${finalName(topic)}.partial`;

  async function handleOf(topic: Topic): Promise<FileHandle> {
    const opened = handles.get(topic.name);
    if (opened !== undefined) return opened;
    reopenFinished(topic);
    const handle = await open(partialName(topic), 'r+');
    handles.set(topic.name, handle);
    return handle;
  }

  /** A run that goes on after `finish` writes into unfinished files again. */
  function reopenFinished(topic: Topic): void {
    if (existsSync(partialName(topic)) || !existsSync(finalName(topic))) return;
    renameSync(finalName(topic), partialName(topic));
  }

  function close(topic: Topic): void {
    const handle = handles.get(topic.name);
    handles.delete(topic.name);
    void handle?.close();
  }

  function cutTo(file: string, topic: Topic, lengthBytes: bigint): void {
    const actual = existsSync(file) ? BigInt(statSync(file).size) : 0n;
    if (actual < lengthBytes) {
      throw new FatalError(
        'output-cut',
        `${file}; has ${actual} bytes, ${lengthBytes} of ${topic.name} were committed: somebody cut or replaced it; restore it, or start over with --fresh`,
      );
    }
    const fd = openSync(file, actual === 0n && !existsSync(file) ? 'a+' : 'r+');
    try {
      if (actual > lengthBytes) ftruncateSync(fd, Number(lengthBytes));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  return {
    create(name) {
      const topic = { name };
      mkdirSync(directory, { recursive: true });
      for (const file of [finalName(topic), partialName(topic)]) {
        if (!existsSync(file) || (file === partialName(topic) && statSync(file).size === 0)) continue;
        throw new ConfigError(
          'output-exists',
          `${file}; exists and belongs to another run; move it away, choose another --output, or start over with --fresh`,
        );
      }
      closeSync(openSync(partialName(topic), 'a'));
      syncDirectory(directory);
    },
    recover(topic, lengthBytes) {
      const finished = !existsSync(partialName(topic)) && existsSync(finalName(topic));
      cutTo(finished ? finalName(topic) : partialName(topic), topic, lengthBytes);
    },
    async append(topic, lengthBytes, chunks) {
      const handle = await handleOf(topic);
      const end = lengthBytes + chunks.reduce((sum, { byteLength }) => sum + BigInt(byteLength), 0n);
      if ((written.get(topic.name) ?? 0n) > lengthBytes) await handle.truncate(Number(lengthBytes));
      written.set(topic.name, end);
      try {
        await writeAll(handle, chunks, Number(lengthBytes));
        await handle.datasync();
      } catch (cause) {
        throw isFull(cause)
          ? new TransientError(
              'disk-full',
              `output folder ${directory}; no space left for ${path.basename(partialName(topic))}, nothing was committed; make room, and the same command continues`,
              { cause },
            )
          : cause;
      }
      return end;
    },
    finish(topic, lengthBytes) {
      close(topic);
      if (!existsSync(partialName(topic))) {
        cutTo(finalName(topic), topic, lengthBytes);
        return;
      }
      cutTo(partialName(topic), topic, lengthBytes);
      if (existsSync(finalName(topic))) {
        throw new FatalError(
          'output-exists',
          `${finalName(topic)}; appeared while the run wrote ${partialName(topic)}; move it away and run the same command again`,
        );
      }
      renameSync(partialName(topic), finalName(topic));
      syncDirectory(directory);
    },
    async read(topic, from, to, maxBytes, timestampMs) {
      if (from >= to) return [];
      const file = existsSync(partialName(topic)) ? partialName(topic) : finalName(topic);
      const handle = await open(file, 'r');
      try {
        for (let size = Math.max(maxBytes, 65_536); ; size *= 2) {
          const chunk = Buffer.alloc(Math.min(size, Number(to - from)));
          await handle.read(chunk, 0, chunk.length, Number(from));
          const lines = splitLines(chunk, from, timestampMs);
          if (lines.length > 0 || chunk.length === Number(to - from)) return lines;
        }
      } finally {
        await handle.close();
      }
    },
    async close() {
      await Promise.all([...handles.values()].map((handle) => handle.close()));
      handles.clear();
    },
  };
}

const isFull = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT');

/** @throws FatalError `newline-in-record`. Checked before a message waits for a transaction, so that nobody else's is spoilt. */
export function checkLines(topic: Topic, messages: readonly OutMessage[]): void {
  for (const { value } of messages) {
    // A Buffer's search is memchr: five times as fast as that of a plain array.
    if (Buffer.from(value.buffer, value.byteOffset, value.byteLength).indexOf(NEWLINE) < 0) continue;
    throw new FatalError(
      'newline-in-record',
      `${topic.name}; a message holds a line feed, which would split it in two; encode it as JSON in one line`,
    );
  }
}

/** All of it, however little the system takes at a time. */
async function writeAll(handle: FileHandle, chunks: readonly Uint8Array[], position: number): Promise<void> {
  let at = position;
  let left = chunks.filter(({ byteLength }) => byteLength > 0);
  while (left.length > 0) {
    let { bytesWritten } = await handle.writev(left.slice(0, MAX_VECTORS), at);
    at += bytesWritten;
    while (left.length > 0 && bytesWritten >= left[0]!.byteLength) {
      bytesWritten -= left[0]!.byteLength;
      left = left.slice(1);
    }
    if (bytesWritten > 0) left = [left[0]!.subarray(bytesWritten), ...left.slice(1)];
  }
}

export function joinLines(messages: readonly OutMessage[]): Buffer {
  let bytes = 0;
  for (const { value } of messages) bytes += value.byteLength + 1;
  const lines = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const { value } of messages) {
    lines.set(value, at);
    at += value.byteLength;
    lines[at++] = NEWLINE;
  }
  return lines;
}

function splitLines(chunk: Buffer, from: bigint, timestampMs: number): Message[] {
  const messages: Message[] = [];
  let start = 0;
  for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
    messages.push({ offset: from + BigInt(start), timestampMs, value: chunk.subarray(start, end) });
    start = end + 1;
  }
  return messages;
}

/** Makes a new or changed name durable. */
function syncDirectory(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
