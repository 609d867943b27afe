/** Documents for crash tests: short texts with planted exact and near duplicates, the same for the same seed. */
import { writeFileSync } from 'node:fs';

/** SplitMix-like generator; 32 bits a step. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
  };
}

const syllables =
  'ba be bi bo bu da de di do du fa fe fi fo fu ka ke ki ko ku la le li lo lu ma me mi mo mu na ne ni no nu'.split(' ');

/** Writes `count` JSON lines; about one in ten repeats an earlier text, one in ten edits one, one in fifty is broken. */
export function writeDocuments(file: string, count: number, seed: number): void {
  const next = random(seed);
  const word = () =>
    Array.from({ length: 2 + Math.floor(next() * 2) }, () => syllables[Math.floor(next() * syllables.length)]).join('');
  const texts: string[] = [];
  const lines: string[] = [];
  for (let i = 0; i < count; i++) {
    const kind = next();
    let text: string;
    if (kind < 0.1 && texts.length > 0) text = texts[Math.floor(next() * texts.length)]!;
    else if (kind < 0.2 && texts.length > 0) text = `${texts[Math.floor(next() * texts.length)]!} ${word()}`;
    else text = Array.from({ length: 40 }, word).join(' ');
    texts.push(text);
    lines.push(kind > 0.98 ? `{"id":"${i}","text":` : JSON.stringify({ id: String(i), text }));
  }
  writeFileSync(file, `${lines.join('\n')}\n`);
}
