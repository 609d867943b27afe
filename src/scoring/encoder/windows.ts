import { hash } from 'node:crypto';
import type { EncoderManifest } from '../manifest-encoder.ts';
import type { Windows } from './batcher.ts';
import { type SpecialTokens, specialCount } from './special.ts';

type WindowRule = EncoderManifest['window'];

/** A stretch of a document's tokens: from the first up to, not including, the last. */
export type Stretch = readonly [from: number, to: number];

/**
 * The stretches of a document of `count` tokens that a model sees, in order. All of it when that takes no more windows than the rule has; else the head,
 * the tail, and windows between them drawn by `identity`, so that a replay sees the same.
 */
export function windowsOf(count: number, rule: WindowRule, textTokens: number, identity: string): Stretch[] {
  const { head, tail, random, minTokens } = rule;
  const all = Math.ceil(count / textTokens);
  const at = (from: number): Stretch => [from, Math.min(count, from + textTokens)];
  if (all <= head + tail + random) {
    const stretches = Array.from({ length: all }, (_, i) => at(i * textTokens));
    const last = stretches.at(-1);
    if (all > 1 && last !== undefined && last[1] - last[0] < minTokens) stretches.pop();
    return stretches;
  }
  const begin = head * textTokens;
  const end = count - tail * textTokens;
  const places = Math.floor((end - begin) / textTokens);
  return [
    ...Array.from({ length: head }, (_, i) => at(i * textTokens)),
    ...drawn(Math.min(random, places), places, identity).map((place) => at(begin + place * textTokens)),
    ...Array.from({ length: tail }, (_, i) => at(end + i * textTokens)),
  ];
}

/** `wanted` of the numbers below `from`, rising; each set of them is as likely. */
function drawn(wanted: number, from: number, identity: string): number[] {
  const places: number[] = [];
  for (let i = 0; i < wanted; i++) {
    // The place among those that are free yet.
    let place = Math.floor(uniform(`${identity}\u0000${i}`) * (from - i));
    let rank = 0;
    for (; rank < places.length && places[rank]! <= place; rank++) place++;
    places.splice(rank, 0, place);
  }
  return places;
}

/** A number in [0, 1) from 48 bits of a hash. */
function uniform(key: string): number {
  return hash('sha256', `window\u0000${key}`, 'buffer').readUIntBE(0, 6) / 2 ** 48;
}

/** Cuts the windows out of a document's ids and puts the special tokens around each. */
export function cutWindows(ids: Int32Array, rule: WindowRule, special: SpecialTokens, identity: string): Windows {
  const around = specialCount(special);
  const stretches = windowsOf(ids.length, rule, rule.tokens - around, identity);
  const lengths = Int32Array.from(stretches, ([from, to]) => to - from + around);
  const out = new Int32Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const [from, to] of stretches) {
    if (special.cls !== undefined) out[at++] = special.cls;
    out.set(ids.subarray(from, to), at);
    at += to - from;
    if (special.sep !== undefined) out[at++] = special.sep;
  }
  return { ids: out, lengths };
}
