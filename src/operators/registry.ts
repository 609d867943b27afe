/** The operators of sift by name: what they may say, and how they are made from the configuration. A new operator is one more entry. */
import type { OperatorName } from '../../topologies/topology.ts';
import type { Config } from '../config/schema.ts';
import { extractText } from './extract/extract.ts';
import { createRuleScanner } from './filters/scanner.ts';
import { failures, filterReasons } from './filters/limits.ts';
import { writeSignals } from './filters/write-signals.ts';
import { createLanguageIdentifier, languageSignal } from './language/identify.ts';
import type { LanguageTable } from './language/table.ts';
import type { Operator, OperatorSpec } from './operator.ts';
import { normalizeUrl } from './url/normalize.ts';

/** What operators need that is loaded once a process and shared by its threads. */
export interface OperatorTables {
  readonly language: LanguageTable | undefined;
}

interface Registered extends OperatorSpec {
  readonly create: (config: Config, tables: OperatorTables) => Operator;
}

export const operators: Readonly<Record<OperatorName, Registered>> = {
  extract: {
    name: 'extract',
    summary: 'main text of an HTML page; plain text passes through',
    signals: [],
    reasons: ['extract.empty'],
    create: () => createExtract(),
  },
  url: {
    name: 'url',
    summary: 'normalised address, host and registered domain',
    signals: ['url/normalized@1'],
    reasons: [],
    create: () => addressOf,
  },
  language: {
    name: 'language',
    summary: 'language of the first 1,000 characters (fastText lid.176)',
    signals: [languageSignal],
    reasons: ['language.confidence'],
    create: (config, { language }) => createLanguage(config.language.minConfidence, language),
  },
  rules: {
    name: 'rules',
    summary: 'heuristic rule profiles; they decide for the languages they were made for',
    signals: ['gopher@datatrove', 'gopher-repetition@datatrove', 'c4@datatrove', 'fineweb@datatrove'],
    reasons: filterReasons,
    create: (config) => createRules(config.rules),
  },
};

function createExtract(): Operator {
  return ({ html, url, text }) => {
    if (html === undefined) return undefined;
    const page = extractText(html, url === undefined ? {} : { url });
    const found = { text: page.text, ...(page.title === undefined ? {} : { title: page.title }) };
    if (page.text !== '') return found;
    return { ...found, failures: [{ reason: 'extract.empty', value: text?.length ?? 0, limit: 1 }], stop: true };
  };
}

const addressOf: Operator = ({ url }) => {
  const address = url === undefined ? undefined : normalizeUrl(url);
  if (address === undefined) return undefined;
  return { signals: `"url/normalized@1":${JSON.stringify(address)}` };
};

function createLanguage(minConfidence: number, table: LanguageTable | undefined): Operator {
  const identifier = createLanguageIdentifier(table);
  return ({ text }) => {
    const { label, confidence } = identifier.identify(text ?? '');
    const signals = `${JSON.stringify(languageSignal)}:{"label":${JSON.stringify(label)},"confidence":${confidence}}`;
    if (confidence >= minConfidence) return { language: label, signals };
    return {
      language: label,
      signals,
      failures: [{ reason: 'language.confidence', value: confidence, limit: minConfidence }],
    };
  };
}

function createRules({ profiles, tokens, decide, languages, limits }: Config['rules']): Operator {
  const scanner = createRuleScanner({ profiles, tokens });
  const deciding = new Set<string>(decide);
  return ({ text, language }) => {
    const measured = scanner.scan(text ?? '');
    const signals = writeSignals(measured);
    if (!languages.includes(language)) return { signals };
    const broken = failures(measured, limits).filter(({ reason }) =>
      deciding.has(reason.slice(0, reason.lastIndexOf('.'))),
    );
    return { signals, failures: broken };
  };
}
