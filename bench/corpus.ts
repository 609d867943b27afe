import { spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { sharedPath } from '../src/testing/shared.ts';
import { linesOf } from './dedup-corpus.ts';

/** A folder with `corpus.jsonl` and `truth.jsonl`, made by make_corpus.py. */
export interface Corpus {
  readonly folder: string;
  readonly file: string;
}

/** The corpus in a folder that somebody named, or nothing, said on the console. */
export function corpusIn(folder: string, what: string): Corpus | undefined {
  const file = path.join(folder, 'corpus.jsonl');
  if (existsSync(file)) return { folder, file };
  console.log(`${what}: no corpus.jsonl in ${folder}; make one with make_corpus.py ${folder} 100000; not measured`);
  return undefined;
}

/**
 * The corpus of the benches: the folder given, RIFFLE_CORPUS, or one of `documents` documents made once in the folder for temporary files (a
 * minute for 100,000), which needs Python with numpy and make_corpus.py beside the repository.
 */
export function findCorpus(given: string | undefined, documents: number, what: string): Corpus | undefined {
  const named = given ?? process.env.RIFFLE_CORPUS;
  if (named !== undefined && named !== '') return corpusIn(named, what);
  const folder = path.join(tmpdir(), `riffle-corpus-${documents}`);
  if (existsSync(path.join(folder, 'corpus.jsonl'))) return corpusIn(folder, what);
  const script = sharedPath('peers/make_corpus.py');
  if (script === undefined) return missing(what, 'make_corpus.py is not beside the repository (../shared/peers)');
  if (spawnSync('python3', ['-c', 'import numpy']).status !== 0)
    return missing(what, 'making one needs python3 with numpy (pip install numpy)');
  console.log(`making a corpus of ${documents} documents in ${folder} …`);
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const made = spawnSync('python3', [script, partial, String(documents)], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (made.status !== 0) return missing(what, `make_corpus.py ended with ${made.status}`);
  renameSync(partial, folder);
  return corpusIn(folder, what);
}

function missing(what: string, why: string): undefined {
  console.log(`${what}: no corpus; ${why}; name a folder with --corpus or RIFFLE_CORPUS; not measured`);
  return undefined;
}

export interface Slice {
  readonly file: string;
  readonly documents: number;
  readonly bytes: number;
}

/** The first `documents` lines as a file of their own in `folder`; the corpus itself where it has no more. */
export async function firstDocuments(corpus: Corpus, documents: number, folder: string): Promise<Slice> {
  let count = 0;
  let bytes = 0;
  for (const line of linesOf(corpus.file, documents)) {
    count++;
    bytes += line.length + 1;
  }
  if (bytes >= statSync(corpus.file).size) return { file: corpus.file, documents: count, bytes };
  const file = path.join(folder, `corpus-${documents}.jsonl`);
  await pipeline(createReadStream(corpus.file, { end: bytes - 1 }), createWriteStream(file));
  return { file, documents, bytes };
}
