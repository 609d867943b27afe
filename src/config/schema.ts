import { z } from 'zod';
import { dedupOptionsSchema } from '../dedup/options.ts';
import { filterLimitsSchema } from '../operators/filters/limits.ts';
import { policySchema } from '../pruning/policy.ts';
import { registryOptionsSchema } from '../schemas/options.ts';
import { logSchema } from './log-schema.ts';

const bytes = z.int().min(1);

/** Of metrics and health, where nobody chose one. */
export const DEFAULT_PORT = 9464;

const topicName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,249}$/, 'letters, digits, ".", "_" and "-", at most 249')
  .optional();

const placeOfRaw = z.string().regex(/^\d{1,9}@\d{1,18}$/, 'partition@offset: 3@1200');
const skips = z
  .union([
    z
      .string()
      .transform((list) => list.split(','))
      .pipe(z.array(placeOfRaw)),
    z.array(placeOfRaw),
  ])
  .default([]);

const topicNamesSchema = z
  .strictObject({
    raw: topicName.describe('Records come in here.'),
    sifted: topicName.describe('Internal: documents on their way to curate.'),
    sketches: topicName.describe('Internal: fingerprints in their one order.'),
    verdicts: topicName.describe('Internal: answers of the index.'),
    policy: topicName.describe('Internal: policies, compacted.'),
    observations: topicName.describe('Internal: what each commit of curate counted.'),
    repairs: topicName.describe('Internal: requests to start again where something was lost.'),
    outputs: topicName.describe('Prefix of the output topics: `<outputs>.curated.en`, `<outputs>.rejected` and so on.'),
  })
  .prefault({})
  .describe('Names of topics; `<app>.<name>` where none is given.');

/**
 * The whole configuration, every key with its meaning. Unknown keys are refused; a topology's YAML file holds its own numbers on top of these defaults.
 * The JSON Schema for editors is made from it (`riffle describe --format schema`).
 */
export const configSchema = z
  .strictObject({
    app: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]*$/, 'lower-case letters, digits, ".", "_" and "-"')
      .describe('Prefix of every topic name.'),
    log: logSchema,
    topics: topicNamesSchema,
    registry: registryOptionsSchema.prefault({}).describe('Schema registry; for topics on Kafka.'),
    source: z
      .strictObject({
        format: z
          .enum(['auto', 'json', 'warc', 'html', 'text'])
          .default('auto')
          .describe(
            'What messages of the raw topic are when no `content-type` header says it; `auto` looks at the bytes.',
          ),
        maxRecordBytes: bytes
          .default(16 * 1024 * 1024)
          .describe('A larger record is a dead letter, `decode.tooLarge`.'),
        maxDecodedBytes: bytes
          .default(32 * 1024 * 1024)
          .describe('Limit for what a compressed HTTP body may unpack to.'),
        maxAheadBytes: bytes
          .default(256 * 1024 * 1024)
          .describe('How far sift may run ahead of curate on a stream; behind it raw waits.'),
        skipTo: skips.describe(
          'Kafka: `partition@offset`, a list or separated by commas: what is not sifted yet below that offset of raw is lost and passed over.',
        ),
        maxRecordSeconds: z
          .number()
          .positive()
          .default(10)
          .describe('A record that takes longer in sift is a dead letter, `sift.timeout`.'),
      })
      .prefault({})
      .describe('Reading and decoding of the input.'),
    language: z
      .strictObject({
        minConfidence: z
          .number()
          .min(0)
          .max(1)
          .default(0.65)
          .describe('Below it a record is rejected, `language.confidence`.'),
      })
      .prefault({})
      .describe('Language identification (fastText lid.176).'),
    rules: z
      .strictObject({
        tokens: z
          .enum(['spacy', 'whitespace'])
          .default('spacy')
          .describe('Word splitter of the profiles: spaCy 3.8 blank English, or white space.'),
        profiles: z
          .array(z.enum(['gopher@datatrove', 'gopher-repetition@datatrove', 'c4@datatrove', 'fineweb@datatrove']))
          .default(['gopher@datatrove', 'gopher-repetition@datatrove', 'c4@datatrove', 'fineweb@datatrove'])
          .describe('Profiles whose signals are measured.'),
        decide: z
          .array(z.enum(['gopher@datatrove', 'gopher-repetition@datatrove', 'c4@datatrove', 'fineweb@datatrove']))
          .default(['gopher@datatrove', 'gopher-repetition@datatrove', 'fineweb@datatrove'])
          .describe('Profiles whose rules reject; the others are signals only.'),
        languages: z
          .array(z.string())
          .default(['en'])
          .describe('Languages that the rules decide for; they are English rules.'),
        limits: filterLimitsSchema.prefault({}).describe('Limits of each profile; null switches a rule off.'),
      })
      .prefault({})
      .describe('Heuristic filters.'),
    dedup: dedupOptionsSchema.prefault({}).describe('Near-duplicate index.'),
    index: z
      .strictObject({
        snapshotDocuments: z
          .int()
          .min(1)
          .default(250_000)
          .describe('Documents folded in between two snapshots of the index; the sketch log behind them is let go.'),
      })
      .prefault({})
      .describe('The index stage.'),
    scoring: z
      .strictObject({
        scorers: z.array(z.string()).default([]).describe('Scorers to run, by name and version: `quality/base@1`.'),
        languages: z
          .array(z.string())
          .default(['en'])
          .describe('Languages whose records are scored: those that the scorers were trained for.'),
        directory: z.string().optional().describe('Folder of further scorer manifests.'),
        models: z
          .string()
          .optional()
          .describe(
            'Folder of built encoders; without it `RIFFLE_MODELS`, else `riffle/models` in the cache folder of the user.',
          ),
        provider: z
          .enum(['auto', 'cpu', 'cuda', 'webgpu'])
          .default('auto')
          .describe('Where encoders run; `auto` takes the first of cuda, webgpu and cpu that works.'),
        deviceId: z.int().min(0).default(0).describe('Which of several GPUs of CUDA.'),
        encoderWorkers: z
          .union([z.literal('auto'), z.int().min(1).max(256)])
          .default('auto')
          .describe('Sessions of an encoder, a thread each; `auto` is two for a GPU, and else one a core.'),
      })
      .prefault({})
      .describe('Scores.'),
    policy: policySchema.describe('What curate does with signals.'),
    blocks: z
      .strictObject({
        records: z.int().min(1).max(4096).default(256).describe('Most records of one block.'),
        bytes: bytes.default(512 * 1024).describe('Size at which a block is closed.'),
        flushMs: z.int().min(1).default(250).describe('Age at which a block is closed, full or not.'),
      })
      .prefault({})
      .describe('Blocks of records on internal topics.'),
    workers: z
      .union([z.literal('auto'), z.int().min(1).max(256)])
      .default('auto')
      .describe('Worker threads for sift and scoring; `auto` is one a core (one fewer for dedup alone), at most 8.'),
    output: z
      .strictObject({
        format: z
          .enum(['jsonl', 'jsonl.zst', 'parquet'])
          .default('jsonl')
          .describe('Format of the files of a bounded run.'),
        keepText: z
          .enum(['all', 'curated'])
          .default('all')
          .describe('`curated` leaves the text of other records out; they cannot be replayed then.'),
      })
      .prefault({})
      .describe('Output files.'),
    deadLetter: z
      .strictObject({
        maxBytes: bytes.default(256 * 1024).describe('How much of a broken record its dead letter keeps.'),
      })
      .prefault({})
      .describe('Dead letters.'),
    http: z
      .strictObject({
        enabled: z.boolean().default(true).describe('Serve metrics, health and the status page.'),
        host: z.string().default('127.0.0.1').describe('Address to listen on.'),
        port: z.int().min(0).max(65535).default(DEFAULT_PORT).describe('Port; 0 picks a free one.'),
      })
      .prefault({})
      .describe('Metrics and health over HTTP.'),
  })
  .superRefine((config, context) => {
    for (const [i, gate] of config.policy.gates.entries()) missingScorer(gate.scorer, ['policy', 'gates', i, 'scorer']);
    for (const [i, rule] of config.policy.quality.entries())
      missingScorer(rule.scorer, ['policy', 'quality', i, 'scorer']);
    for (const profile of config.rules.decide)
      if (!config.rules.profiles.includes(profile))
        context.addIssue({
          code: 'custom',
          path: ['rules', 'decide'],
          message: `${profile} decides but is not measured; add it to rules.profiles`,
        });
    if (config.registry.url !== undefined && config.log.kind === 'embedded')
      context.addIssue({
        code: 'custom',
        path: ['registry', 'url'],
        message: 'files are no messages: set log.kind=kafka, or leave it out',
      });
    if (config.source.skipTo.length > 0 && config.log.kind === 'embedded')
      context.addIssue({
        code: 'custom',
        path: ['source', 'skipTo'],
        message: 'no part of a file is passed over: set log.kind=kafka, or leave it out',
      });
    const { votes } = config.policy.dedup;
    if (votes > config.dedup.bands)
      context.addIssue({
        code: 'custom',
        path: ['policy', 'dedup', 'votes'],
        message: `there are only ${config.dedup.bands} bands to vote; lower it, or raise dedup.bands`,
      });
    function missingScorer(scorer: string, path: (string | number)[]): void {
      if (config.scoring.scorers.includes(scorer)) return;
      context.addIssue({
        code: 'custom',
        path,
        message: `${scorer} is not among scoring.scorers; add it there or drop the rule`,
      });
    }
  });

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;
