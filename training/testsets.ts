import { apartRows } from './apart.ts';
import { mails } from './encoder/spam.ts';
import { axes } from './labelled.ts';
import { heldOutTemplates } from './templates.ts';
import { type ToxicityRow, toxicityRows } from './toxicity.ts';
import { weakTexts } from './weak.ts';
import type { WebPages } from './web.ts';

/** Texts with labels on one axis that nothing shipped is trained on. */
export interface TestSet {
  readonly name: string;
  readonly axis: string;
  readonly rows: readonly { readonly text: string; readonly label: 0 | 1 }[];
}

/** Texts that are no comment: what civil comments, all of them toxic, are told from. */
const cleanSets = ['headlines', 'mail', 'book'];

/** One tenth of each source that is trained on, by hash of the text, and whole sets that are not. */
export function toxicitySets(directory: string, web: WebPages): TestSet[] {
  const test = toxicityRows(directory, web).filter(({ role }) => role === 'test');
  const clean = test.filter(({ set }) => cleanSets.includes(set));
  const bySource = ['davidson', 'edos', 'germeval', 'implicit', 'toxigen'].map((source) =>
    labelled(
      `${source}, held back`,
      'toxic',
      test.filter(({ set }) => set === source),
    ),
  );
  const apart = apartRows(directory);
  return [
    ...axes.map((axis) => labelled('all sources, held back', axis, test)),
    ...bySource,
    labelled('civil, held back, against clean', 'toxic', [...test.filter(({ set }) => set === 'civil'), ...clean]),
    {
      name: 'identity templates, other frames',
      axis: 'toxic',
      rows: heldOutTemplates.map(({ text, toxic }) => ({ text, label: toxic })),
    },
    ...(['mlma', 'stormfront', 'toxicr'] as const).map((set) => ({
      name: `${set}, not trained on`,
      axis: 'toxic',
      rows: apart.filter((row) => row.set === set).map(({ text, toxic }) => ({ text, label: toxic })),
    })),
  ];
}

function labelled(name: string, axis: (typeof axes)[number], rows: readonly ToxicityRow[]): TestSet {
  const k = axes.indexOf(axis);
  return {
    name,
    axis,
    rows: rows
      .filter(({ labels }) => labels[k]! >= 0)
      .map(({ text, labels }) => ({ text, label: labels[k] === 1 ? 1 : 0 })),
  };
}

/** Each kind of bad against all good: weak labels, by origin. */
export function qualitySets(directory: string, web: WebPages): TestSet[] {
  const test = weakTexts(directory, web).filter(({ role }) => role === 'test');
  const kinds = [...new Set(test.filter(({ good }) => good === 0).map(({ kind }) => kind))];
  const set = (name: string, kept: (kind: string) => boolean): TestSet => ({
    name,
    axis: 'score',
    rows: test.filter(({ kind, good }) => good === 1 || kept(kind)).map(({ text, good }) => ({ text, label: good })),
  });
  return [
    set('weak labels, held back', () => true),
    ...kinds.map((kind) => set(`good against ${kind}`, (other) => other === kind)),
  ];
}

export function spamSets(directory: string): TestSet[] {
  const test = mails(directory).filter(({ role }) => role === 'test');
  return [
    {
      name: 'spamassassin, held back',
      axis: 'score',
      rows: test.map(({ body, spam }) => ({ text: body, label: spam })),
    },
  ];
}
