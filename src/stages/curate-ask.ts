/** Asks the encoders of the process what the stretches of all partitions want to know. Back-pressure counts tokens; a device that is away is waited for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { orAborted } from '../runtime/or-aborted.ts';
import type { Windows } from '../scoring/encoder/batcher.ts';
import type { Encoder } from '../scoring/encoder/encoder.ts';
import { EncoderUnavailable } from '../scoring/encoder/unavailable.ts';
import type { Answer } from './curate-answers.ts';
import type { Asked } from './curate-doubts.ts';

export interface AskHooks {
  /** Cannot go on before the device is back. */
  waiting?(why: string): void;
  /** Some windows are scored. */
  moved?(): void;
}

/** Windows are handed in by about so many tokens: a stretch may have more of them than an encoder takes at once. */
const PIECE_TOKENS = 8192;
/** Until what could not be scored is handed in again. */
const PAUSE_MS = 1000;
const NOTHING: Windows = { ids: new Int32Array(0), lengths: new Int32Array(0) };

/** Waits for as long as it takes. @throws once the signal is aborted */
export async function askEncoders(
  encoders: readonly Encoder[],
  asked: readonly Asked[],
  signal: AbortSignal,
  hooks: AskHooks,
): Promise<Answer[]> {
  return await Promise.all(asked.map((one, i) => ask(encoders[i]!, one, signal, hooks)));
}

async function ask(encoder: Encoder, asked: Asked, signal: AbortSignal, hooks: AskHooks): Promise<Answer> {
  const { offsets, counts, paths, ids } = asked;
  const pieces: Promise<Float32Array>[] = [];
  for (const piece of piecesOf(asked)) {
    await orAborted(encoder.room(piece.ids.length), signal);
    const numbers = scorePiece(encoder, piece, signal, hooks);
    // They are waited for when all are handed in.
    numbers.catch(() => undefined);
    pieces.push(numbers);
  }
  return { offsets, counts, paths, numbers: joined(await Promise.all(pieces)), tokens: ids.length };
}

async function scorePiece(
  encoder: Encoder,
  piece: Windows,
  signal: AbortSignal,
  hooks: AskHooks,
): Promise<Float32Array> {
  for (;;) {
    signal.throwIfAborted();
    try {
      const numbers = await encoder.score(piece);
      hooks.moved?.();
      return numbers;
    } catch (error) {
      if (!(error instanceof EncoderUnavailable)) throw error;
      await untilBack(encoder, error, signal, hooks);
      await orAborted(encoder.room(piece.ids.length), signal);
    }
  }
}

/** To score nothing shows whether a session works, and takes no room. */
async function untilBack(
  encoder: Encoder,
  why: EncoderUnavailable,
  signal: AbortSignal,
  hooks: AskHooks,
): Promise<void> {
  for (let away: EncoderUnavailable | undefined = why; away !== undefined && !signal.aborted; ) {
    hooks.waiting?.(away.message);
    await orAborted(sleep(PAUSE_MS, undefined, { ref: false }), signal);
    away = await encoder.score(NOTHING).then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof EncoderUnavailable) return error;
        throw error;
      },
    );
  }
}

function* piecesOf({ ids, lengths }: Windows): Generator<Windows> {
  let from = 0;
  let at = 0;
  let end = 0;
  for (let i = 0; i < lengths.length; i++) {
    end += lengths[i]!;
    if (end - at < PIECE_TOKENS && i < lengths.length - 1) continue;
    yield { ids: ids.subarray(at, end), lengths: lengths.subarray(from, i + 1) };
    from = i + 1;
    at = end;
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
