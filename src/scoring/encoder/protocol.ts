import type { EncoderManifest } from '../manifest-encoder.ts';
import type { Provider } from './providers.ts';
import type { BatchLimits } from './queue.ts';
import type { Running } from './running.ts';
import type { SharedBatch } from './shared-batch.ts';

/** What a session's thread is started with. */
export interface SessionData {
  readonly modelFile: string;
  readonly model: EncoderManifest['model'];
  readonly columns: number;
  /** Entries of the vocabulary: the graph must know the last. */
  readonly entries: number;
  readonly pad: number;
  readonly provider: Provider;
  readonly deviceId: number;
  /** Threads of the processor that a run may use. */
  readonly threads: number;
  readonly limits: BatchLimits;
  readonly shared: SharedBatch;
  readonly running: Running;
}

export interface RunRequest {
  readonly rows: number;
  readonly width: number;
}

/** `close` ends the thread after what it runs. */
export type SessionRequest = RunRequest | 'close';

/** `ready` once, or `refused`; then an answer to every request, in order. */
export type SessionReply =
  | { readonly type: 'ready' }
  | { readonly type: 'refused'; readonly code: string; readonly message: string }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly message: string };
