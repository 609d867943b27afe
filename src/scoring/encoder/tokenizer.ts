import { ConfigError } from '../../errors.ts';
import type { EncoderManifest } from '../manifest-encoder.ts';
import type { LoadedEncoder } from '../scorer-set.ts';
import { createWordPiece } from '../wordpiece.ts';
import { readVocabulary, vocabularyError } from './special.ts';

/** Turns a text into at most `maxTokens` ids, without special tokens. The ids are overwritten by the next call of a WordPiece one. */
export type Tokenize = (text: string | Uint8Array) => Int32Array | Promise<Int32Array>;

/** Text behind this many bytes is not looked at, or behind 16 bytes a token where that is more. */
const MAX_TEXT_BYTES = 65_536;
const BYTES_A_TOKEN = 16;

/** More of a text is not looked at. */
export const maxTextBytes = ({ maxTokens }: Pick<EncoderManifest, 'maxTokens'>): number =>
  Math.max(MAX_TEXT_BYTES, BYTES_A_TOKEN * maxTokens);

/** The tokenizer of an encoder, for one thread. Throws a ConfigError when its file is not what the manifest says. */
export async function createTokenize(loaded: LoadedEncoder): Promise<Tokenize> {
  const { tokenizer, maxTokens } = loaded.manifest;
  const maxBytes = maxTextBytes(loaded.manifest);
  if (tokenizer.kind === 'wordpiece-uncased') return createOwn(loaded, maxTokens, maxBytes);
  return await createForeign(loaded, maxTokens, maxBytes);
}

function createOwn(loaded: LoadedEncoder, maxTokens: number, maxBytes: number): Tokenize {
  const wordPiece = createWordPiece(readVocabulary(loaded));
  const ids = new Int32Array(maxTokens);
  return (text) => {
    const bytes = typeof text === 'string' ? Buffer.from(text.slice(0, maxBytes)) : text;
    return ids.subarray(0, wordPiece.encode(bytes.subarray(0, maxBytes), ids, 0, maxTokens));
  };
}

/** Half a token per CPU-microsecond: a twentieth of WordPiece's rate, but it reads what every other model brings along. */
async function createForeign(loaded: LoadedEncoder, maxTokens: number, maxBytes: number): Promise<Tokenize> {
  const { Tokenizer } = await import('tokenizers').catch((cause: unknown) => {
    throw new ConfigError(
      'encoder-tokenizer',
      `package tokenizers, for ${loaded.manifest.name}; not installed; npm install tokenizers@0.23.2`,
      { cause },
    );
  });
  let native: InstanceType<typeof Tokenizer>;
  try {
    native = Tokenizer.fromString(new TextDecoder().decode(loaded.tokenizer.slice()));
  } catch (cause) {
    throw vocabularyError(loaded, `not read: ${cause instanceof Error ? cause.message : ''}`, 'give a tokenizer.json');
  }
  const size = native.getVocabSize(true);
  const { entries } = loaded.manifest.tokenizer;
  if (size !== entries) throw vocabularyError(loaded, `${size} entries, not ${entries}`, 'correct tokenizer.entries');
  native.disablePadding();
  native.setTruncation(maxTokens);
  const decoder = new TextDecoder();
  return async (text) => {
    const given = typeof text === 'string' ? text.slice(0, maxBytes) : decoder.decode(text.subarray(0, maxBytes));
    const encoding = await native.encode(given, null, { addSpecialTokens: false });
    return Int32Array.from(encoding.getIds());
  };
}
