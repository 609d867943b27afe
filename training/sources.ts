import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { ConfigError } from '../src/errors.ts';

export interface Source {
  readonly name: string;
  readonly address: string;
  readonly commit: string;
  readonly licence: string;
  /** Below the data folder. */
  readonly file: string;
  readonly sha256: string;
}

/**
 * The public sets that the shipped scorers are trained on. All are under permissive terms; sets under GPL-3.0 (ToxiCR, a copy of MLMA)
 * and CC-BY-SA (Stormfront, OneStopEnglish, Wikipedia pages) are left out on purpose: a table of weights must be free to ship.
 */
export const sources = {
  davidson: {
    name: 'davidson',
    address: 'https://github.com/t-davidson/hate-speech-and-offensive-language',
    commit: 'cb50f7e9eb855a99abc51423bf40df0e26d6fe30',
    licence: 'MIT',
    file: 'toxicity/davidson/labeled_data.csv.gz',
    sha256: '0998040ca4a6efcf942bb48968a59b6336b16cf4b44c537c81698922edb55018',
  },
  edos: {
    name: 'edos',
    address: 'https://github.com/rewire-online/edos',
    commit: 'b1f1fbcca9d42de0395432ada8fcfb5c35f68c77',
    licence: 'CC0-1.0',
    file: 'toxicity/edos/edos.jsonl.gz',
    sha256: '7fe0f629489f7c7049d1d92f789a4c3a16dfed95028c4f6e09337beb24e6169a',
  },
  germeval: {
    name: 'germeval',
    address: 'https://github.com/uds-lsv/GermEval-2018-Data',
    commit: '9877472d39523effd54cd079b4c61157ed141508',
    licence: 'CC-BY-4.0',
    file: 'toxicity/germeval2018/germeval2018.training.txt.gz',
    sha256: 'c44fcd3d2a3b575960fbb63cd9c6423225a2253ce235da3f2c10908822696551',
  },
  implicit: {
    name: 'implicit',
    address: 'https://github.com/microsoft/SafeNLP',
    commit: 'e351b6cb892284cf843b88e363b1a6dbaded584e',
    licence: 'MIT',
    file: 'toxicity/safenlp/implicitHate.json.gz',
    sha256: '9c9ab674c97131e1931245947900ee6126fb305de0d8ff9e6819b07f8d113030',
  },
  civil: {
    name: 'civil',
    address: 'https://github.com/ipavlopoulos/toxic_spans',
    commit: 'beaf170538df8275c3447b2e26070f2f82e55272',
    licence: 'CC0-1.0',
    file: 'toxicity/toxic_spans/civil_comments_spans.jsonl.gz',
    sha256: '645ea94a17a45b1c0c90cfec25f01b191c7737d37facb49ef2b15887587008b4',
  },
  toxigen: {
    name: 'toxigen',
    address: 'https://github.com/microsoft/TOXIGEN',
    commit: '01517e814639e0334c920a3c502036c8158aac87',
    licence: 'MIT',
    file: 'toxicity/toxigen_demonstrations/toxigen_demonstrations.jsonl',
    sha256: 'f5091381c4f4fbafbb80d4c2ab8ca18015a1bea5585f03289780baf4b1d2b882',
  },
  headlines: {
    name: 'headlines',
    address: 'https://github.com/bhargaviparanjape/clickbait',
    commit: '203d979a81545ae6160ff45ffdac83e74469c97a',
    licence: 'MIT',
    file: 'quality/clickbait/clickbait.jsonl.gz',
    sha256: 'cefb24b1fd510edad88576aff8b51fd32ee96716de381e504c23b74c4f711d72',
  },
  mail: {
    name: 'mail',
    address: 'https://github.com/stdlib-js/datasets-spam-assassin',
    commit: '1b84d49ab4b28092ead009b3ceeb67ae525289d1',
    licence: 'PDDL-1.0, contents CC0-1.0',
    file: 'quality/spamassassin/spamassassin.jsonl.gz',
    sha256: 'ae0844f83b9eba1a5e14bfe6c7aaaea255419ec9a04d2078b788557e3a4eef88',
  },
  book: {
    name: 'book',
    address: 'https://github.com/rust-lang/book',
    commit: '917544888a55e4da7109bdba8c88c893c0da70f4',
    licence: 'MIT OR Apache-2.0',
    file: 'prose/rust_book/chapters.jsonl.gz',
    sha256: '65c623a660234dc099e57315040fd66bd4ab4dc9c9152454b041bd3190401bd3',
  },
  crawl: {
    name: 'crawl',
    address: 'https://github.com/data-prep-kit/data-prep-kit and https://github.com/datajuicer/data-juicer',
    commit: 'c9f7b5610f68bfe062421792e5ebf9891e6d32c8 and 1dc20a58fa685af93c18dfa7c7900c093029af79',
    licence: 'Apache-2.0 (repositories); the text is web crawl',
    file: 'web/crawl_docs_small/docs.jsonl.gz',
    sha256: '3c8d9214d1d79eb69e57aa2d4baea7a25e0c050ca8406763b98d07f2653c78d6',
  },
  crawlHead: {
    name: 'crawlHead',
    address: 'https://github.com/allenai/dolma',
    commit: '669f534823b08d266a8fff01f8a1c916a5a56576',
    licence: 'Apache-2.0 (repository); the text is Common Crawl',
    file: 'web/dolma_cc_head_samples/cc_docs.jsonl.gz',
    sha256: 'f2f1c6e8c9caba7471ab0c7117d6db16622100cd8fb524eb49857478957d5732',
  },
  articles: {
    name: 'articles',
    address: 'https://github.com/mozilla/readability',
    commit: 'ab4027a8b37669745016869a37a504727992b2ba',
    licence: 'Apache-2.0 (repository); the pages belong to their publishers',
    file: 'web/readability_pages/test-pages.tar.gz',
    sha256: '4cdfc42e14f12dee00415c8ac9fcad6f8da19fc4c37c4247cce781c86dc862fb',
  },
  pages: {
    name: 'pages',
    address: 'https://github.com/adbar/trafilatura',
    commit: 'e90b0ef51ab026fdb905fb6c5b3c84dd3d784fd5',
    licence: 'Apache-2.0 (repository); the pages belong to their publishers',
    file: 'web/trafilatura_eval/pages.tar.gz',
    sha256: '893b3238e1e5b48dfa3023a057cdcf52e25aa1d0e0ce7c458504454863d28aec',
  },
} as const satisfies Record<string, Source>;

export type SourceName = keyof typeof sources;

/** What scorers of toxicity are trained on, harmless text included. */
export const toxicitySources: readonly SourceName[] = [
  'davidson',
  'edos',
  'germeval',
  'implicit',
  'civil',
  'toxigen',
  'headlines',
  'mail',
  'book',
  'crawl',
  'crawlHead',
  'articles',
  'pages',
];

/** Reads a source below `directory`, unpacked when it is gzip of text. Throws a ConfigError when it is missing or another version. */
export function readSource(directory: string, name: SourceName): Buffer {
  const { file, sha256 }: Source = sources[name];
  const full = path.join(directory, file);
  let bytes: Buffer;
  try {
    bytes = readFileSync(full);
  } catch (cause) {
    throw new ConfigError('training-data', `source ${full}; cannot be read; get it from ${sources[name].address}`, {
      cause,
    });
  }
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== sha256) {
    throw new ConfigError(
      'training-data',
      `source ${full}; its SHA-256 is ${actual}, not ${sha256}; get commit ${sources[name].commit}`,
    );
  }
  return file.endsWith('.gz') && !file.endsWith('.tar.gz') ? gunzipSync(bytes) : bytes;
}

/** Objects of a JSON Lines source. */
export function readLines<T>(directory: string, name: SourceName): T[] {
  return readSource(directory, name)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): T => JSON.parse(line));
}

export type Role = 'train' | 'calibrate' | 'test';

/** Where a text belongs, by its own hash, so that a copy of it never sits on two sides: 8 parts train, 1 calibrate, 1 test. */
export function roleOf(text: string): Role {
  const part = hashFraction(text) * 10;
  return part < 8 ? 'train' : part < 9 ? 'calibrate' : 'test';
}

export const splitRule =
  'SHA-256 of the text, lower-cased, with every run of characters other than letters and digits as one space; bits 0 to 31 as a fraction: below 0.8 train, below 0.9 calibrate, else test; web texts by bits 32 to 63: below 0.5 train, else reference (cut, percentiles, false positives)';

/** A number in [0, 1) that only depends on the letters and digits of a text: the 32 bits from byte `at` of its hash. */
export function hashFraction(text: string, at = 0): number {
  const normal = text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
  return createHash('sha256').update(normal).digest().readUInt32BE(at) / 2 ** 32;
}
