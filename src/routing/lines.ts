import type { Lines } from '../log/port.ts';

/** Lines of one topic, one after another, each ended by a line feed; in memory that can be handed to another thread. */
export interface TopicLines extends Lines {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly lengths: Uint32Array<ArrayBuffer>;
}

/** Collects output lines by topic in one growing buffer each. */
export interface LineBuffers {
  /** A line is `body` and then `tail`, which ends with the line feed. */
  add(topic: string, body: Uint8Array, tail: string): void;
  take(): Record<string, TopicLines>;
}

const INITIAL_BYTES = 1 << 14;

/** Memory for lines; what was handed out comes back when its lines are committed. */
export type Allocate = (bytes: number) => Buffer;

/**
 * `expectedBytes` of all lines together: most go to one topic, and growing a buffer copies it.
 */
export function createLineBuffers(
  expectedBytes = INITIAL_BYTES,
  allocate: Allocate = (bytes) => Buffer.allocUnsafeSlow(bytes),
): LineBuffers {
  const topics = new Map<string, { buffer: Buffer; at: number; lengths: number[] }>();
  let expected = expectedBytes;

  function open(topic: string) {
    let size = INITIAL_BYTES;
    if (topic.startsWith('curated.')) {
      size = Math.max(size, expected);
      expected = 0;
    }
    const lines = { buffer: allocate(size), at: 0, lengths: [] as number[] };
    topics.set(topic, lines);
    return lines;
  }

  return {
    add(topic, body, tail) {
      const lines = topics.get(topic) ?? open(topic);
      // A UTF-16 unit takes at most three bytes of UTF-8.
      const need = lines.at + body.length + tail.length * 3;
      if (need > lines.buffer.length) {
        const grown = allocate(Math.max(need, lines.buffer.length * 2));
        lines.buffer.copy(grown, 0, 0, lines.at);
        lines.buffer = grown;
      }
      lines.buffer.set(body, lines.at);
      const bytes = body.length + lines.buffer.write(tail, lines.at + body.length);
      lines.at += bytes;
      lines.lengths.push(bytes);
    },
    take() {
      const out: Record<string, TopicLines> = {};
      for (const [topic, { buffer, at, lengths }] of topics)
        out[topic] = { bytes: new Uint8Array(buffer.buffer as ArrayBuffer, 0, at), lengths: Uint32Array.from(lengths) };
      return out;
    },
  };
}
