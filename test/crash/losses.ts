/** Which blocks a log loses in a test. */
import type { Append } from '../../src/testing/lossy-log.ts';
import { random } from './documents.ts';

/** By number, counted in each partition; by where the block ends in the source; or at random, with a seed. */
export type Loss =
  | { readonly topic: string; readonly nth: number }
  | { readonly topic: string; readonly endingAt: string }
  | { readonly seed: number; readonly rate: number; readonly most: number };

const internal = ['sifted', 'sketches', 'verdicts', 'repairs'];

/** Each loss that names a block happens once. */
export function losing(losses: readonly Loss[]): (append: Append) => boolean {
  const drops = losses.map(dropping);
  return (append) => {
    const topic = append.topic.slice(append.topic.indexOf('.') + 1);
    return internal.includes(topic) && drops.map((drop) => drop(topic, append)).includes(true);
  };
}

function dropping(loss: Loss): (topic: string, append: Append) => boolean {
  if ('seed' in loss) {
    const next = random(loss.seed);
    let left = loss.most;
    return () => left > 0 && next() < loss.rate && left-- > 0;
  }
  let lost = false;
  return (topic, { messages, nth }) => {
    if (lost || topic !== loss.topic) return false;
    // Blocks of all three topics have their range at the same place: partition u32 at 4, from u64 at 8, to u64 at 16.
    const to = Buffer.from(messages[0]!.value).readBigUInt64LE(16);
    lost = 'nth' in loss ? nth === loss.nth : String(to) === loss.endingAt;
    return lost;
  };
}
