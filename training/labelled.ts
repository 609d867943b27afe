import { csvRows } from './archive.ts';
import { readLines, readSource, type SourceName } from './sources.ts';
import { identityTemplates } from './templates.ts';

export const axes = ['toxic', 'identity', 'insult', 'threat'] as const;

/** A text with a label for each axis: 1, 0, or −1 where the source does not say. */
export interface LabelledText {
  readonly set: SourceName | 'templates';
  readonly text: string;
  readonly labels: readonly [number, number, number, number];
  readonly weight: number;
}

/** Every labelled text of the toxicity sources, without repeats. */
export function labelledTexts(directory: string): LabelledText[] {
  const seen = new Set<string>();
  const all = [davidson, edos, germeval, implicit, civil, toxigen].flatMap((read) => read(directory));
  return [...all, ...templates()].filter(({ text }) => {
    const key = text.toLowerCase().trim();
    if (key === '' || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

const clean = [0, 0, 0, 0] as const;
const hateful = [1, 1, -1, -1] as const;
const insulting = [1, -1, 1, -1] as const;

/** Offensive tweets are called insulting here: the class covers insults and obscene words. */
function davidson(directory: string): LabelledText[] {
  return csvRows(readSource(directory, 'davidson').toString('utf8')).map((row) => {
    const text = plainTweet(row.tweet ?? '');
    const labels = row.class === '0' ? hateful : row.class === '1' ? insulting : clean;
    return { set: 'davidson', text, labels, weight: 1 };
  });
}

/** "Not sexist" is not "not toxic": such rows count for less. */
function edos(directory: string): LabelledText[] {
  type Row = { text: string; label_sexist: string; label_vector: string };
  return readLines<Row>(directory, 'edos').map((row) => {
    const text = row.text.replaceAll(/\[(USER|URL)\]/g, ' ');
    if (row.label_sexist !== 'sexist') return { set: 'edos', text, labels: [0, 0, -1, 0], weight: 0.5 };
    const insult = /^(2\.2|3\.1)/.test(row.label_vector) ? 1 : -1;
    return { set: 'edos', text, labels: [1, 1, insult, row.label_vector.startsWith('1.') ? 1 : 0], weight: 1 };
  });
}

function germeval(directory: string): LabelledText[] {
  const lines = readSource(directory, 'germeval').toString('utf8').split('\n');
  return lines.flatMap((line): LabelledText[] => {
    const [tweet, coarse, fine] = line.trim().split('\t');
    if (tweet === undefined || coarse === undefined) return [];
    const text = plainTweet(tweet);
    if (coarse !== 'OFFENSE') return [{ set: 'germeval', text, labels: [0, 0, 0, 0], weight: 1 }];
    return [{ set: 'germeval', text, labels: fine === 'ABUSE' ? [1, 1, -1, -1] : [1, 0, 1, -1], weight: 1 }];
  });
}

function implicit(directory: string): LabelledText[] {
  const rows: { text: string; label: string }[] = JSON.parse(readSource(directory, 'implicit').toString('utf8'));
  return rows.map(({ text, label }) => ({
    set: 'implicit',
    text: plainTweet(text),
    labels: label === 'hate' ? [1, 1, -1, -1] : [0, 0, -1, 0],
    weight: 1,
  }));
}

/** Each comment was toxic by majority in Civil Comments; rows where most workers marked nothing count for half. */
function civil(directory: string): LabelledText[] {
  type Row = { text: string; workers: number; spans: { type: string }[][] };
  return readLines<Row>(directory, 'civil').map(({ text, workers, spans }) => {
    const share = (type: string): number =>
      spans.filter((one) => one.some((s) => s.type.startsWith(type))).length / workers;
    const axis = (...types: string[]): number => {
      const most = Math.max(...types.map(share));
      return most >= 0.5 ? 1 : most > 0 ? -1 : 0;
    };
    const marked = share('') >= 0.5;
    const labels = [1, axis('Identity'), axis('Insult', 'Profane'), axis('Threat')] as const;
    return { set: 'civil', text, labels, weight: marked ? 1 : 0.5 };
  });
}

function toxigen(directory: string): LabelledText[] {
  return readLines<{ text: string; label: string }>(directory, 'toxigen').map(({ text, label }) => {
    return { set: 'toxigen', text, labels: label === 'hate' ? [1, 1, -1, -1] : [0, 0, 0, 0], weight: 1 };
  });
}

function templates(): LabelledText[] {
  return identityTemplates.map(({ text, toxic }) => ({
    set: 'templates',
    text,
    labels: [toxic, toxic, toxic === 1 ? -1 : 0, 0],
    weight: 1,
  }));
}

/** Without names, addresses and mark-up, which tell the source and not the tone. */
function plainTweet(text: string): string {
  return text
    .replaceAll('&amp;', '&')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll(/&#\d+;?/g, ' ')
    .replaceAll(/https?:\S+|@\w+|\bRT\b/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
