import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../errors.ts';
import { parseManifest, type ScorerManifest } from './manifest.ts';
import { createStage0, type ScorerSet } from './stage0.ts';

/** The scorers that come with Riffle. */
export const shippedModels = path.resolve(import.meta.dirname, '../../models');

/** A self-test score may differ by one in the last decimal: `Math.exp` and `Math.log` are not the same bit for bit on every machine. */
const SELF_TEST_TOLERANCE = 1.001e-4;

/**
 * Reads every manifest of `directory` (or those of `names`), their tables and vocabulary, checks digests and sizes, and scores the self-test texts.
 * Throws a ConfigError when anything is missing or differs: a wrong table gives plausible numbers, so nothing else would tell.
 */
export function loadScorers(directory: string = shippedModels, names?: readonly string[]): ScorerSet {
  const manifests = readManifests(directory).filter(({ name }) => names?.includes(name) ?? true);
  for (const name of names ?? []) {
    if (!manifests.some((manifest) => manifest.name === name)) {
      throw new ConfigError(
        'scorer-missing',
        `scorer ${name}; no such manifest in ${directory}; name one that is there or train it`,
      );
    }
  }
  const first = manifests[0];
  if (first === undefined)
    throw new ConfigError(
      'scorer-missing',
      `scorers of ${directory}; no manifest there; give the folder of a trained model`,
    );
  for (const { name, tokenizer, maxTokens } of manifests) {
    if (tokenizer.sha256 !== first.tokenizer.sha256 || maxTokens !== first.maxTokens) {
      throw new ConfigError(
        'scorer-vocabulary',
        `scorer ${name}; its vocabulary or maxTokens is not that of ${first.name}; load them as two sets`,
      );
    }
  }
  const set: ScorerSet = {
    vocabulary: new Uint8Array(readShared(directory, first.tokenizer.file, first.tokenizer.sha256)),
    scorers: manifests.map((manifest) => ({ manifest, table: readTable(directory, manifest) })),
  };
  selfTest(set);
  return set;
}

function readManifests(directory: string): ScorerManifest[] {
  const files = read(directory, () => readdirSync(directory)).filter((file) => file.endsWith('.json'));
  return files.sort().map((file) => {
    const full = path.join(directory, file);
    return parseManifest(
      parseJson(
        read(full, () => readFileSync(full, 'utf8')),
        full,
      ),
      full,
    );
  });
}

function readTable(directory: string, { name, table, tokenizer }: ScorerManifest): Int8Array<SharedArrayBuffer> {
  const bytes = new Int8Array(readShared(directory, table.file, table.sha256));
  const expected = (tokenizer.entries + table.bigramRows) * table.columns;
  if (bytes.length === expected) return bytes;
  throw new ConfigError(
    'scorer-table',
    `table ${table.file} of ${name}; ${bytes.length} bytes, not ${expected}; restore the file or train again`,
  );
}

function readShared(directory: string, file: string, sha256: string): SharedArrayBuffer {
  const full = path.join(directory, file);
  const bytes = read(full, () => readFileSync(full));
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== sha256) {
    throw new ConfigError(
      'scorer-digest',
      `model file ${full}; its SHA-256 is ${actual}, not ${sha256}; restore the file or train again`,
    );
  }
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  return shared;
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

function read<T>(what: string, get: () => T): T {
  try {
    return get();
  } catch (cause) {
    throw new ConfigError('scorer-missing', `model file ${what}; cannot be read; give the folder of a trained model`, {
      cause,
    });
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
