/** What curate does in a worker thread: it decides a stretch of a partition, and makes its lines messages where they go to a broker. */
import { createPlainJsonReader } from '../operators/decode/plain-json.ts';
import { type createReporter, DECIDING } from '../runtime/activity.ts';
import { createRecycled } from '../routing/recycled.ts';
import type { SchemaRegistry } from '../schemas/registry.ts';
import type { LoadedEncoder } from '../scoring/scorer-set.ts';
import type { Stage0 } from '../scoring/stage0.ts';
import { createAnswers } from './curate-answers.ts';
import { type Asked, cutDoubts, findDoubts } from './curate-doubts.ts';
import { finishMessages } from './curate-messages.ts';
import { type CurateResult, curateRecords } from './curate-records.ts';
import type { CurateTask, WalkTools } from './curate-walk.ts';
import { createSourceSpans } from './source-spans.ts';
import type { CurateRequest, DoubtsRequest, WorkerData } from './worker-requests.ts';

export interface CurateWork {
  /** What each encoder has to be asked before a stretch is decided. */
  doubts(request: DoubtsRequest): Promise<Asked[]>;
  /** `codec`: lines are written by the schemas of a registry. */
  curate(request: CurateRequest, codec: SchemaRegistry | undefined): CurateResult;
}

export async function createCurateWork(
  { config, files, rawTopic, scorers, messages }: WorkerData,
  activity: ReturnType<typeof createReporter>,
): Promise<CurateWork> {
  const stage0: Stage0 | undefined = scorers && (await import('../scoring/stage0.ts')).createStage0(scorers);
  const cascade = scorers && scorers.encoders.length > 0 ? await createCascade(scorers.encoders) : undefined;
  const plainJson = createPlainJsonReader();
  const buffers = createRecycled();
  const spans = createSourceSpans(files ?? []);
  const nameOf = (partition: number): string | number => files?.[partition]?.name ?? partition;
  const begin =
    ({ partition }: CurateTask) =>
    (offset: bigint) =>
      activity.report(DECIDING, partition, offset);

  function toolsFor({ task, policy, poison }: DoubtsRequest | CurateRequest): WalkTools {
    // What is spliced is copied at once: spans last as long as one walk.
    spans.begin();
    const guard = poison && { poison, begin: begin(task) };
    const scoredLanguages = config.scoring.languages;
    return { policy, stage0, plainJson, scoredLanguages, rawTopic, nameOf, readSource: spans.read, guard };
  }

  function decideAll(request: CurateRequest): CurateResult {
    buffers.give(request.recycled);
    return curateRecords(request.task, {
      ...toolsFor(request),
      keepText: config.output.keepText,
      allocate: buffers.allocate,
      encoders: cascade && {
        scorers: cascade.reducers.flat(),
        answers: createAnswers(cascade.reducers, request.answers ?? []),
      },
    });
  }

  return {
    async doubts(request) {
      if (cascade === undefined) return [];
      const { task } = request;
      const { groups: encoders, cutters, maxTextBytes } = cascade;
      const doubts = activity.during(DECIDING, task.partition, task.next, () =>
        findDoubts(task, { ...toolsFor(request), encoders, maxTextBytes }),
      );
      return await cutDoubts(doubts, cutters, begin(task));
    },
    curate(request, codec) {
      const { partition, next } = request.task;
      return activity.during(DECIDING, partition, next, () => {
        const result = decideAll(request);
        if (messages === undefined) return result;
        const { maxValueBytes, prefix } = messages;
        const encode = codec && ((topic: string, line: Uint8Array) => codec.encode(`${prefix}${topic}`, line));
        return finishMessages(result, { maxValueBytes, deadLetterBytes: config.deadLetter.maxBytes, encode });
      });
    },
  };
}

/** The parts of the encoders that a thread with the texts does. None of it is loaded where no encoder is configured. */
async function createCascade(loaded: readonly LoadedEncoder[]) {
  const [{ createCutter }, { createReduce }, { shareEncoders }, { maxTextBytes }] = await Promise.all([
    import('../scoring/encoder/scorer.ts'),
    import('../scoring/encoder/scores.ts'),
    import('../scoring/encoder/share.ts'),
    import('../scoring/encoder/tokenizer.ts'),
  ]);
  const groups = shareEncoders(loaded);
  return {
    groups,
    cutters: await Promise.all(groups.map(([first]) => createCutter(first))),
    reducers: groups.map((group) => group.map(({ manifest }) => ({ manifest, reduce: createReduce(manifest) }))),
    maxTextBytes: Math.max(...loaded.map(({ manifest }) => maxTextBytes(manifest))),
  };
}
