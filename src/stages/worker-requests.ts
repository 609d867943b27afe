/** What the main thread asks its worker threads for, and what they answer. */
import type { Topology } from '../../topologies/topology.ts';
import type { Config } from '../config/schema.ts';
import type { OperatorTables } from '../operators/create.ts';
import type { Policy } from '../pruning/policy.ts';
import type { Poison } from '../runtime/context.ts';
import type { OutputKind } from '../schemas/avro-record.ts';
import type { ScorerSet } from '../scoring/stage0.ts';
import type { Answer } from './curate-answers.ts';
import type { CurateTask } from './curate-walk.ts';
import type { RawMessages } from './raw-messages.ts';
import type { SiftedPair } from './sift-blocks.ts';
import type { SourceFile } from './sources.ts';

export interface WorkerData {
  readonly config: Config;
  readonly topology: Topology;
  /** Source partitions that are files; undefined when the source is the raw topic. */
  readonly files: readonly SourceFile[] | undefined;
  readonly rawTopic: string;
  readonly tables: OperatorTables;
  readonly scorers: ScorerSet | undefined;
  /** Outputs are topics of a broker. */
  readonly messages: WorkerMessages | undefined;
  readonly activity: SharedArrayBuffer;
}

export interface WorkerMessages {
  /** What a value may have on the tightest of the output topics. */
  readonly maxValueBytes: number;
  /** Output topics by full name, with what their schema is. */
  readonly outputs: ReadonlyMap<string, OutputKind>;
  /** Full name of an output topic. */
  readonly prefix: string;
}

/** Opens a lane: partitions to be sifted one after another. */
export interface OpenLane {
  readonly type: 'open';
  readonly lane: number;
  readonly partitions: readonly { readonly partition: number; readonly from: bigint }[];
  /** Records that killed or outlasted a worker before. */
  readonly poison: readonly Poison[];
}

export interface PullLane {
  readonly type: 'pull';
  readonly lane: number;
}

/** Lets go of a lane that is not to be read on. */
export interface CloseLane {
  readonly type: 'close';
  readonly lane: number;
}

export interface Pulled {
  readonly pairs: readonly SiftedPair[];
  /** Partitions read to their end, and that end. */
  readonly ended: readonly { readonly partition: number; readonly end: bigint }[];
  readonly done: boolean;
  readonly operators: Readonly<Record<string, { seconds: number; records: number }>>;
}

/** One batch of the raw topic, from beginning to end. */
export interface SiftMessages {
  readonly type: 'sift';
  readonly partition: number;
  readonly messages: RawMessages;
  readonly poison: readonly Poison[];
}

export type SiftedMessages = Pick<Pulled, 'pairs' | 'operators'>;

/** A stretch of a partition, to be decided by a policy. */
interface StretchRequest {
  readonly task: CurateTask;
  readonly policy: Policy;
  /** Records to be given up; given when a worker died on this stretch before. */
  readonly poison?: readonly bigint[] | undefined;
}

/** What the encoders have to be asked before; sent only where there are any. */
export interface DoubtsRequest extends StretchRequest {
  readonly type: 'doubts';
}

export interface CurateRequest extends StretchRequest {
  readonly type: 'curate';
  /** Of each encoder, in the order of what it was asked. */
  readonly answers?: readonly Answer[] | undefined;
  /** Buffers of earlier results, to be used again. */
  readonly recycled: readonly ArrayBuffer[];
}

export type Request = (OpenLane | PullLane | CloseLane | SiftMessages | DoubtsRequest | CurateRequest) & {
  readonly id: number;
};
