import { createHash } from 'node:crypto';
import { z } from 'zod';

/** Raised whenever the same text would get another fingerprint, or the same log another verdict. */
const ALGORITHM = 1;

/** Published, so that two runs agree; a production stream sets a secret one. */
export const PUBLISHED_SEED = 'riffle';

/** History slices: fixed, so that 1, 2, 4 or 8 shards hold the same bits. */
export const SLICES = 64;

const million = 1_000_000;

export const dedupOptionsSchema = z
  .strictObject({
    engine: z
      .enum(['kernel', 'reference'])
      .default('kernel')
      .describe('kernel: WebAssembly; reference: the npm packages minhash and bloom-filters, about 100 times slower'),
    seed: z
      .string()
      .min(1)
      .default(PUBLISHED_SEED)
      .describe(
        'mixed into every hash; keep it secret in production, so that nobody can prepare a page that suppresses another',
      ),
    shingleTokens: z.int().min(1).max(8).default(5).describe('words in a shingle'),
    unsegmentedShingleTokens: z
      .int()
      .min(1)
      .max(16)
      .default(9)
      .describe(
        'characters in a shingle of a script without spaces between words (Han, Kana, Thai, Lao, Khmer, Myanmar)',
      ),
    bands: z.int().min(1).max(32).default(22).describe('band keys of a document'),
    rowsPerBand: z.int().min(1).max(16).default(5).describe('sketch rows mixed into one band key'),
    verificationRows: z
      .int()
      .min(32)
      .max(512)
      .multipleOf(32)
      .default(240)
      .describe('4-bit sketch rows kept in the window to estimate similarity; at least bands × rowsPerBand'),
    minShingles: z.int().min(1).default(20).describe('distinct shingles below which only the exact key decides'),
    foldDigits: z
      .boolean()
      .default(false)
      .describe('read every digit as 0, so that dates and counters make no difference'),
    window: z
      .strictObject({
        documents: z
          .int()
          .min(1)
          .max(16 * million)
          .optional()
          .describe('documents that can be named and verified; 1,000,000 when neither is set'),
        memoryBytes: z.int().min(65_536).optional().describe('or: memory to spend on the window'),
        similarity: z
          .number()
          .min(0.1)
          .max(1)
          .default(0.695)
          .describe(
            'estimated Jaccard similarity from which a document counts as a copy and takes no place in the window',
          ),
      })
      .refine((window) => window.documents === undefined || window.memoryBytes === undefined, {
        message: 'documents and memoryBytes; both given; keep one of them',
      })
      .prefault({})
      .describe('recent documents, which a verdict can name'),
    history: z
      .strictObject({
        votes: z
          .int()
          .min(1)
          .max(32)
          .default(4)
          .describe('bands that must be known to the history; a policy, changeable at any time'),
        bitsPerKey: z.int().min(4).max(32).default(12).describe('Bloom filter bits for each band key'),
        documentsPerGeneration: z
          .int()
          .min(1024)
          .max(64 * million)
          .default(16 * million)
          .describe('documents after which a new filter is started; the first ones are smaller'),
        generations: z.int().min(1).max(64).default(4).describe('filters kept; the oldest falls out'),
      })
      .prefault({})
      .describe('everything seen before, as Bloom filters of band keys'),
    exact: z
      .strictObject({
        documents: z
          .int()
          .min(1024)
          .max(256 * million)
          .default(16 * million)
          .describe('exact keys kept with their counts; when full, those not seen since the last turn fall out'),
      })
      .prefault({})
      .describe('exact texts and how often each was seen'),
    shards: z
      .union([z.literal(1), z.literal(2), z.literal(4), z.literal(8), z.literal(16)])
      .default(1)
      .describe('parts of the history, each in memory of its own; the verdicts are the same for any number'),
  })
  .refine((options) => options.engine === 'kernel' || options.shards === 1, {
    path: ['shards'],
    message: 'shards; more than one with the reference engine, which has one; use the kernel engine',
  })
  .refine((options) => options.bands * options.rowsPerBand <= options.verificationRows, {
    path: ['verificationRows'],
    message: 'verificationRows; fewer than bands × rowsPerBand; raise it, or use fewer bands',
  });

/** Everything that fingerprints and the index need to know; made by `dedupOptionsSchema.parse({})`. */
export type DedupOptions = z.infer<typeof dedupOptionsSchema>;

/** The part of the options that fingerprints depend on. */
export type FingerprintOptions = Pick<
  DedupOptions,
  | 'engine'
  | 'seed'
  | 'shingleTokens'
  | 'unsegmentedShingleTokens'
  | 'bands'
  | 'rowsPerBand'
  | 'verificationRows'
  | 'minShingles'
  | 'foldDigits'
>;

/**
 * Names what fingerprints and verdict state depend on, and nothing else: 32 hex digits.
 * Not in it: `history.votes` (a policy) and `shards` (verdicts are the same for any number).
 */
export function configHash(options: DedupOptions): string {
  const state = [
    ALGORITHM,
    options.engine,
    options.seed,
    options.shingleTokens,
    options.unsegmentedShingleTokens,
    options.bands,
    options.rowsPerBand,
    options.verificationRows,
    options.minShingles,
    options.foldDigits,
    windowDocuments(options),
    options.window.similarity,
    options.history.bitsPerKey,
    options.history.documentsPerGeneration,
    options.history.generations,
    options.exact.documents,
  ];
  return createHash('sha256').update(JSON.stringify(state)).digest('hex').slice(0, 32);
}

/** The beginning of `configHash`, as sketch blocks carry it. */
export const configKey = (options: DedupOptions): bigint => BigInt(`0x${configHash(options).slice(0, 16)}`);

/** Window size in documents, whichever way it was given. */
export function windowDocuments(options: Pick<DedupOptions, 'window' | 'bands' | 'verificationRows'>): number {
  const { documents, memoryBytes } = options.window;
  if (documents !== undefined) return documents;
  if (memoryBytes === undefined) return million;
  return Math.max(1, Math.floor(memoryBytes / windowBytesPerDocument(options)));
}

/** Share of the table's places that a full window uses; above about 0.9 two-choice buckets of eight overflow. */
export const WINDOW_LOAD = 0.85;

/** Table entries (8 bytes a key, at `WINDOW_LOAD`), rows, and 24 bytes for what the document is. */
export function windowBytesPerDocument(options: Pick<DedupOptions, 'bands' | 'verificationRows'>): number {
  return (options.bands * 8) / WINDOW_LOAD + options.verificationRows / 2 + 24;
}
