/** What curate does in a worker thread: it decides a stretch of a partition, and makes its lines messages where they go to a broker. */
import { createPlainJsonReader } from '../operators/decode/plain-json.ts';
import { type createReporter, DECIDING } from '../runtime/activity.ts';
import { createRecycled } from '../routing/recycled.ts';
import type { SchemaRegistry } from '../schemas/registry.ts';
import type { Stage0 } from '../scoring/stage0.ts';
import { finishMessages } from './curate-messages.ts';
import { type CurateResult, curateRecords } from './curate-records.ts';
import { createSourceSpans } from './source-spans.ts';
import type { CurateRequest, WorkerData } from './worker-requests.ts';

export interface CurateWork {
  /** `codec`: lines are written by the schemas of a registry. */
  curate(request: CurateRequest, codec: SchemaRegistry | undefined): CurateResult;
}

export async function createCurateWork(
  { config, files, rawTopic, scorers, messages }: WorkerData,
  activity: ReturnType<typeof createReporter>,
): Promise<CurateWork> {
  const stage0: Stage0 | undefined = scorers && (await import('../scoring/stage0.ts')).createStage0(scorers);
  const plainJson = createPlainJsonReader();
  const buffers = createRecycled();
  const spans = createSourceSpans(files ?? []);
  const nameOf = (partition: number): string | number => files?.[partition]?.name ?? partition;

  function decideAll({ task, policy, poison, recycled }: CurateRequest): CurateResult {
    buffers.give(recycled);
    // What is spliced is copied into the output lines at once: spans last as long as one task.
    spans.begin();
    return curateRecords(task, {
      policy,
      stage0,
      plainJson,
      scoredLanguages: config.scoring.languages,
      rawTopic,
      keepText: config.output.keepText,
      allocate: buffers.allocate,
      nameOf,
      readSource: spans.read,
      guard: poison && { poison, begin: (offset) => activity.report(DECIDING, task.partition, offset) },
    });
  }

  return {
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
