/** What ends a consumer, or one of its polls. */
import { FatalError, TransientError } from '../../errors.ts';
import type { Lane } from './lane.ts';

export function belowStart({ topic, partition, position }: Lane, start: bigint): FatalError {
  return new FatalError(
    'below-log-start',
    `${topic}-${partition}@${position}; the log starts at ${start}, what is before was trimmed; give the topic a longer retention, and start over under another app name`,
  );
}

export function beyondEnd({ topic, partition, position }: Lane): FatalError {
  return new FatalError(
    'beyond-log-end',
    `${topic}-${partition}@${position}; the log ends before it: the topic was deleted and created again, or lost its end; restore it, or start over under another app name`,
  );
}

export function topicGone(subject: string): FatalError {
  return new FatalError(
    'topic-gone',
    `topic ${subject}; it does not exist any more; restore it, or start over under another app name`,
  );
}

export function topicGrown(topic: string, found: number, count: number): FatalError {
  return new FatalError(
    'topic-grown',
    `topic ${topic}; it has ${found} partitions now, and had ${count}; nothing would read the new ones; give every topic of the app that follows raw as many (kafka-topics.sh --alter --partitions), and start again`,
  );
}

export function unanswered(topics: readonly string[], patienceMs: number): TransientError {
  return new TransientError(
    'broker-away',
    `${topics.join()}; no answer about what they hold for ${patienceMs / 1000} s; bring the broker back, and start again`,
  );
}

export function notMember(topics: readonly string[]): FatalError {
  return new FatalError('not-a-member', `${topics.join()}; a reader commits nothing; this is a mistake in the program`);
}
