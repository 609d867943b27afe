/**
 * Makes operators from the configuration, in worker threads. Each is loaded when a topology names it: deduplicating does not pay for an HTML
 * parser. A new operator is one entry here and one in `specs.ts`.
 */
import type { OperatorName } from '../../topologies/topology.ts';
import type { Config } from '../config/schema.ts';
import type { LanguageTable } from './language/table.ts';
import type { Operator } from './operator.ts';

/** What is loaded once a process and shared by its threads. */
export interface OperatorTables {
  readonly language: LanguageTable | undefined;
}

type Create = (config: Config, tables: OperatorTables) => Promise<Operator>;

const creators: Readonly<Record<OperatorName, Create>> = {
  extract: createExtract,
  url: createUrl,
  language: createLanguage,
  rules: createRules,
};

export const createOperator = (name: OperatorName, config: Config, tables: OperatorTables): Promise<Operator> =>
  creators[name](config, tables);

async function createExtract(): Promise<Operator> {
  const { extractText } = await import('./extract/extract.ts');
  return ({ html, url, text }) => {
    if (html === undefined) return undefined;
    const page = extractText(html, url === undefined ? {} : { url });
    const found = { text: page.text, ...(page.title === undefined ? {} : { title: page.title }) };
    if (page.text !== '') return found;
    return { ...found, failures: [{ reason: 'extract.empty', value: text?.length ?? 0, limit: 1 }], stop: true };
  };
}

async function createUrl(): Promise<Operator> {
  const { normalizeUrl } = await import('./url/normalize.ts');
  return ({ url }) => {
    const address = url === undefined ? undefined : normalizeUrl(url);
    return address && { signals: `"url/normalized@1":${JSON.stringify(address)}` };
  };
}

async function createLanguage(config: Config, tables: OperatorTables): Promise<Operator> {
  const { createLanguageIdentifier, languageSignal } = await import('./language/identify.ts');
  const identifier = createLanguageIdentifier(tables.language);
  const { minConfidence } = config.language;
  const name = JSON.stringify(languageSignal);
  return ({ text }) => {
    const { label, confidence } = identifier.identify(text ?? '');
    const effect = {
      language: label,
      signals: `${name}:{"label":${JSON.stringify(label)},"confidence":${confidence}}`,
    };
    if (confidence >= minConfidence) return effect;
    return { ...effect, failures: [{ reason: 'language.confidence', value: confidence, limit: minConfidence }] };
  };
}

async function createRules(config: Config): Promise<Operator> {
  const { createRuleScanner } = await import('./filters/scanner.ts');
  const { failures } = await import('./filters/limits.ts');
  const { profiles, tokens, decide, languages, limits } = config.rules;
  const scanner = createRuleScanner({ profiles, tokens });
  const deciding = new Set<string>(decide);
  return ({ text, language }) => {
    const measured = scanner.scan(text ?? '');
    const signals = JSON.stringify(measured).slice(1, -1);
    if (!languages.includes(language)) return { signals };
    const broken = failures(measured, limits).filter(({ reason }) =>
      deciding.has(reason.slice(0, reason.lastIndexOf('.'))),
    );
    return { signals, failures: broken };
  };
}
