import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../errors.ts';
import type { EncoderManifest } from './manifest-encoder.ts';
import { parseManifest, type ScorerManifest, type TableManifest } from './manifest.ts';
import { findIfThere, findModelFile, readModelFile, readOrRefuse } from './model-files.ts';
import type { LoadedEncoder, LoadedTable, ScorerSet } from './scorer-set.ts';
import { createStage0 } from './stage0.ts';
import { parseVocabulary } from './vocabulary.ts';

/** The scorers that come with Riffle. */
export const shippedModels = path.resolve(import.meta.dirname, '../../models');

/** A self-test score may differ by one in the last decimal: `Math.exp` and `Math.log` are not the same bit for bit on every machine. */
const SELF_TEST_TOLERANCE = 1.001e-4;

/** A manifest and the folder that it lies in. */
interface Found {
  readonly manifest: ScorerManifest;
  readonly folder: string;
}

/**
 * Reads manifests of `directory` (one folder, or several): those of `names`, or all that are tables. Their tables and vocabulary are read, digests and
 * sizes checked, and the self-test texts scored. Of an encoder, which has to be named, the files are found and their digests checked; its session is for
 * `startScorer` of `encoder/`. Its files may also lie in `modelCache`, or in another of the folders.
 * Throws a ConfigError when anything is missing or differs: a wrong table gives plausible numbers, so nothing else would tell.
 */
export function loadScorers(
  directory: string | readonly string[] = shippedModels,
  names?: readonly string[],
  modelCache?: string,
): ScorerSet {
  const folders = typeof directory === 'string' ? [directory] : directory;
  const all = folders.flatMap(readManifests);
  const chosen = names === undefined ? all.filter(({ manifest }) => isTable(manifest)) : named(all, names, folders);
  if (chosen.length === 0) {
    throw new ConfigError(
      'scorer-missing',
      `scorers of ${folders.join(', ')}; no manifest there; give the folder of a trained model`,
    );
  }
  const places = modelCache === undefined ? folders : [...folders, modelCache];
  const nextTo = (folder: string): string[] => [folder, ...places.filter((place) => place !== folder)];
  const tables = chosen.filter((one): one is Found & { manifest: TableManifest } => isTable(one.manifest));
  const encoders = chosen.filter((one): one is Found & { manifest: EncoderManifest } => !isTable(one.manifest));
  requireOneVocabulary(tables.map(({ manifest }) => manifest));
  const [first] = tables;
  const set: ScorerSet = {
    vocabulary: new Uint8Array(
      first === undefined ? new SharedArrayBuffer(0) : readModelFile(first.manifest.tokenizer, nextTo(first.folder)),
    ),
    scorers: tables.map(({ manifest, folder }) => readTable(manifest, nextTo(folder))),
    encoders: encoders.map(({ manifest, folder }) => findEncoder(manifest, nextTo(folder))),
  };
  if (first !== undefined) checkEntries(first.manifest, set.vocabulary);
  selfTest(set);
  return set;
}

const isTable = (manifest: ScorerManifest): manifest is TableManifest => manifest.kind !== 'onnx-encoder';

function readManifests(folder: string): Found[] {
  const files = readOrRefuse(folder, () => readdirSync(folder)).filter((file) => file.endsWith('.json'));
  const manifests = files.sort().map((file) => {
    const full = path.join(folder, file);
    return parseJson(
      readOrRefuse(full, () => readFileSync(full, 'utf8')),
      full,
    );
  });
  // A tokenizer.json lies beside its manifest and is none.
  return manifests
    .map((value, i) => ({ value, origin: path.join(folder, files[i]!) }))
    .filter(({ value }) => !isTokenizer(value))
    .map(({ value, origin }) => ({ manifest: parseManifest(value, origin), folder }));
}

/** What the package `tokenizers` writes has these two. */
const isTokenizer = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'model' in value && 'added_tokens' in value;

/** A manifest of an earlier folder hides those of its name in later ones. */
function named(all: readonly Found[], names: readonly string[], folders: readonly string[]): Found[] {
  const where = folders.join(', ');
  const chosen = names.map((name) => {
    const of = all.filter(({ manifest }) => manifest.name === name);
    const [first, second] = of;
    if (first !== undefined && first.folder !== second?.folder) return first;
    throw new ConfigError(
      'scorer-missing',
      first === undefined
        ? `scorer ${name}; no such manifest in ${where}; name one that is there or train it`
        : `scorer ${name}; two manifests of that name in ${first.folder}; give each another version`,
    );
  });
  return all.filter((one) => chosen.includes(one));
}

function requireOneVocabulary([first, ...others]: readonly TableManifest[]): void {
  for (const { name, tokenizer, maxTokens } of others) {
    if (tokenizer.sha256 !== first!.tokenizer.sha256 || maxTokens !== first!.maxTokens) {
      throw new ConfigError(
        'scorer-vocabulary',
        `scorer ${name}; its vocabulary or maxTokens is not that of ${first!.name}; load them as two sets`,
      );
    }
  }
}

function checkEntries({ name, tokenizer }: TableManifest, vocabulary: Uint8Array<SharedArrayBuffer>): void {
  const { size } = parseVocabulary(new TextDecoder().decode(vocabulary.slice()));
  if (size === tokenizer.entries) return;
  throw new ConfigError(
    'scorer-vocabulary',
    `vocabulary ${tokenizer.file} of ${name}; ${size} entries, not ${tokenizer.entries}; restore the file or correct tokenizer.entries`,
  );
}

function readTable(manifest: TableManifest, folders: readonly string[]): LoadedTable {
  const table = new Int8Array(readModelFile(manifest.table, folders));
  const { entries } = manifest.tokenizer;
  const expected =
    manifest.kind === 'linear-table'
      ? (entries + manifest.table.bigramRows) * manifest.table.columns
      : entries * manifest.table.dimensions;
  // The kind belongs to the table that is read for it, which the compiler cannot see through the spread.
  if (table.length === expected) return { manifest, table } as LoadedTable;
  throw new ConfigError(
    'scorer-table',
    `table ${manifest.table.file} of ${manifest.name}; ${table.length} bytes, not ${expected}; restore the file or train again`,
  );
}

function findEncoder(manifest: EncoderManifest, folders: readonly string[]): LoadedEncoder {
  const { name, model, tokenizer } = manifest;
  const graphs = [model, ...(model.variants ?? [])].flatMap((graph) => {
    const path = findIfThere(graph, folders);
    return path === undefined ? [] : [{ path, precision: graph.precision }];
  });
  if (graphs.length === 0)
    findModelFile(
      model,
      folders,
      `npm run encoder:build makes those that are shipped; copy the graph of ${name} there`,
    );
  return { manifest, graphs, tokenizer: new Uint8Array(readModelFile(tokenizer, folders)) };
}

function selfTest(set: ScorerSet): void {
  const stage0 = createStage0(set);
  for (const { manifest } of set.scorers) {
    for (const [i, { text, scores }] of manifest.selfTest.entries()) {
      const actual = stage0.score(text)[manifest.name];
      for (const [k, { axis }] of manifest.outputs.entries()) {
        const value = typeof actual === 'number' ? actual : actual?.[axis];
        if (value !== undefined && Math.abs(value - scores[k]!) <= SELF_TEST_TOLERANCE) continue;
        throw new ConfigError(
          'scorer-self-test',
          `scorer ${manifest.name}; self-test ${i} gives ${axis} ${value}, not ${scores[k]}; use the program version that the model was trained with`,
        );
      }
    }
  }
}

function parseJson(text: string, origin: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigError('scorer-manifest', `scorer manifest ${origin}; not JSON; restore the file or train again`, {
      cause,
    });
  }
}
