import { ConfigError } from '../../errors.ts';
import type { LoadedEncoder } from '../scorer-set.ts';
import { parseVocabulary, type Vocabulary } from '../vocabulary.ts';

/** Ids that a model wants around a window and behind it. */
export interface SpecialTokens {
  readonly cls: number | undefined;
  readonly sep: number | undefined;
  readonly pad: number;
}

/** Tokens of a window that are not text. */
export const specialCount = ({ cls, sep }: SpecialTokens): number =>
  (cls === undefined ? 0 : 1) + (sep === undefined ? 0 : 1);

/** The special tokens of an encoder. Throws a ConfigError when the manifest's are not those of its `vocab.txt`. */
export function specialTokens(loaded: LoadedEncoder): SpecialTokens {
  const { tokenizer } = loaded.manifest;
  if (tokenizer.kind === 'tokenizers-json') return { cls: tokenizer.cls, sep: tokenizer.sep, pad: tokenizer.pad };
  const { classify, separate, padding } = readVocabulary(loaded);
  const own = { cls: classify, sep: separate, pad: padding };
  for (const name of ['cls', 'sep', 'pad'] as const) {
    const given = tokenizer[name];
    if (given !== undefined && given !== own[name])
      throw vocabularyError(
        loaded,
        `${name} is ${own[name]}, not ${given}`,
        `correct tokenizer.${name}, or leave it out`,
      );
  }
  return own;
}

/** The `vocab.txt` of an encoder. Throws a ConfigError when it has another size than the manifest says. */
export function readVocabulary(loaded: LoadedEncoder): Vocabulary {
  const vocabulary = parseVocabulary(new TextDecoder().decode(loaded.tokenizer.slice()));
  const { entries } = loaded.manifest.tokenizer;
  if (vocabulary.size === entries) return vocabulary;
  throw vocabularyError(
    loaded,
    `${vocabulary.size} entries, not ${entries}`,
    'give the file that belongs to the model',
  );
}

export function vocabularyError({ manifest }: LoadedEncoder, actual: string, remedy: string): ConfigError {
  const { name, tokenizer } = manifest;
  return new ConfigError('scorer-vocabulary', `vocabulary ${tokenizer.file} of ${name}; ${actual}; ${remedy}`);
}
