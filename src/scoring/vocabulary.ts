import { ConfigError } from '../errors.ts';

/** WordPiece entries, numbered by their line in `vocab.txt`. */
export interface Vocabulary {
  readonly size: number;
  readonly unknown: number;
  readonly classify: number;
  readonly separate: number;
  readonly padding: number;
  /** Id of an entry that may start a word. */
  idOf(piece: string): number | undefined;
  /** Id of an entry inside a word: those written with `##` in the file. */
  idOfContinuation(piece: string): number | undefined;
}

/** Reads the text of a `vocab.txt`: one entry a line. Throws a ConfigError when a special token is missing. */
export function parseVocabulary(text: string): Vocabulary {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const starts = new Map<string, number>();
  const continuations = new Map<string, number>();
  for (const [id, line] of lines.entries()) {
    starts.set(line, id);
    if (line.startsWith('##')) continuations.set(line.slice(2), id);
  }
  const special = (name: string): number => {
    const id = starts.get(name);
    if (id !== undefined) return id;
    throw new ConfigError(
      'vocabulary',
      `vocabulary of ${lines.length} entries; no ${name}; give the vocab.txt of a BERT model`,
    );
  };
  return {
    size: lines.length,
    unknown: special('[UNK]'),
    classify: special('[CLS]'),
    separate: special('[SEP]'),
    padding: special('[PAD]'),
    idOf: (piece) => starts.get(piece),
    idOfContinuation: (piece) => continuations.get(piece),
  };
}
