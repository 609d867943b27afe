/** Turns one file of JSON lines into another format, with memory for one row group or one chunk. */
import { closeSync, createReadStream, createWriteStream, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress, zstdCompressSync } from 'node:zlib';
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { type Cell, type Column, rowOf } from './export-columns.ts';

/** A row group is closed at either. */
const GROUP_ROWS = 4096;
const GROUP_BYTES = 8 << 20;
const NEWLINE = 10;

/** The file at `target` is complete and synced when this comes back. An existing one is overwritten. */
export async function writeZstd(source: string, target: string): Promise<void> {
  await pipeline(createReadStream(source), createZstdCompress(), createWriteStream(target));
  const descriptor = openSync(target, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

/** The same as Parquet: zstd pages, columns that may be null, in row groups of a few thousand rows. */
export function writeParquet(source: string, target: string, columns: readonly Column[]): void {
  const descriptor = openSync(target, 'w');
  try {
    const parquet = new ParquetWriter({
      writer: fileWriter(descriptor),
      schema: schemaOf(columns),
      codec: 'ZSTD',
      compressors: { ZSTD: (page) => zstdCompressSync(page) },
      createdBy: 'riffle',
    });
    let group: Cell[][] = columns.map(() => []);
    let bytes = 0;
    const flush = () => {
      const rowGroupSize = group[0]!.length;
      if (rowGroupSize > 0)
        void parquet.write({ columnData: columns.map((c, i) => dataOf(c, group[i]!)), rowGroupSize });
      group = columns.map(() => []);
      bytes = 0;
    };
    for (const line of linesOf(source)) {
      for (const [i, cell] of rowOf(line.toString(), columns).entries()) group[i]!.push(cell);
      bytes += line.length;
      if (group[0]!.length === GROUP_ROWS || bytes >= GROUP_BYTES) flush();
    }
    flush();
    void parquet.finish();
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Long texts hardly ever repeat: a dictionary of them and their smallest and largest are not worth the time. */
function dataOf({ name, type }: Column, data: Cell[]) {
  const long = type === 'json' || name === 'text' || name === 'value';
  return { name, data, ...(long ? { encoding: 'PLAIN' as const, statistics: false } : {}) };
}

function schemaOf(columns: readonly Column[]): SchemaElement[] {
  return [{ name: 'riffle', num_children: columns.length }, ...columns.flatMap(elementsOf)];
}

function elementsOf({ name, type }: Column): SchemaElement[] {
  const optional = { name, repetition_type: 'OPTIONAL' as const };
  switch (type) {
    case 'string':
    case 'text':
    case 'json':
      return [{ ...optional, type: 'BYTE_ARRAY', converted_type: 'UTF8' }];
    case 'number':
      return [{ ...optional, type: 'DOUBLE' }];
    case 'integer':
      return [{ ...optional, type: 'INT64' }];
    case 'boolean':
      return [{ ...optional, type: 'BOOLEAN' }];
    case 'strings':
      return [
        { ...optional, converted_type: 'LIST', num_children: 1 },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        { name: 'element', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
      ];
  }
}

/** A writer that lets go of its bytes after each row group, and of nothing in between. */
function fileWriter(descriptor: number): ByteWriter & { flush(): void } {
  const writer = new ByteWriter();
  const flush = () => {
    const bytes = new Uint8Array(writer.buffer, 0, writer.index);
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    writer.index = 0;
  };
  return Object.assign(writer, { flush, finish: flush });
}

/** Lines without their line feed; a view that is valid until the next one is taken. */
function* linesOf(file: string): Generator<Buffer> {
  const descriptor = openSync(file, 'r');
  try {
    let buffer = Buffer.alloc(1 << 20);
    let start = 0;
    let end = 0;
    for (;;) {
      for (let feed; (feed = buffer.subarray(0, end).indexOf(NEWLINE, start)) >= 0; start = feed + 1)
        yield buffer.subarray(start, feed);
      if (end - start === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
      buffer.copyWithin(0, start, end);
      end -= start;
      start = 0;
      const got = readSync(descriptor, buffer, end, buffer.length - end, null);
      if (got === 0) return;
      end += got;
    }
  } finally {
    closeSync(descriptor);
  }
}
