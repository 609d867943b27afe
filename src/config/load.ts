/** From files, command line and defaults to one frozen configuration. Nothing else in the program reads settings. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import type { z } from 'zod';
import { ConfigError } from '../errors.ts';
import { type Config, configSchema } from './schema.ts';

export interface ConfigSources {
  readonly topology: string;
  /** `--config`; without it `riffle.yaml` is read when present. */
  readonly file?: string | undefined;
  /** `--set key=value`, in order; a later one wins. */
  readonly set: readonly string[];
}

type Tree = { [key: string]: unknown };

const topologies = path.resolve(import.meta.dirname, '../../topologies');

/** Defaults < the topology's YAML < the configuration file < `--set`. @throws ConfigError naming key, value and remedy. */
export function loadConfig(sources: ConfigSources): Config {
  const tree: Tree = readYaml(path.join(topologies, `${sources.topology}.yaml`));
  const file = sources.file ?? (existsSync('riffle.yaml') ? 'riffle.yaml' : undefined);
  if (file !== undefined) merge(tree, readYaml(file));
  for (const setting of sources.set) applySetting(tree, setting);
  const result = configSchema.safeParse(tree);
  if (!result.success) throw new ConfigError('config', describeIssues(result.error.issues, tree));
  return deepFreeze(result.data);
}

function readYaml(file: string): Tree {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(
      'config-file',
      `configuration file ${file}; it cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'error'}); give a readable YAML file`,
      { cause },
    );
  }
  let value: unknown;
  try {
    value = parse(text, { schema: 'core' });
  } catch (cause) {
    const where = cause instanceof YAMLParseError ? cause.message.split('\n')[0] : String(cause);
    throw new ConfigError('config-file', `configuration file ${file}; not YAML: ${where}; correct it`, { cause });
  }
  if (value === null || value === undefined) return {};
  if (!isTree(value))
    throw new ConfigError(
      'config-file',
      `configuration file ${file}; it holds ${kindOf(value)}; write keys and values`,
    );
  return value;
}

function applySetting(tree: Tree, setting: string): void {
  const equals = setting.indexOf('=');
  if (equals < 1) throw new ConfigError('setting', `--set ${setting}; no "="; write --set key=value`);
  const keys = setting.slice(0, equals).split('.');
  const text = setting.slice(equals + 1);
  let value: unknown = text;
  try {
    value = text === '' ? '' : parse(text, { schema: 'core' });
  } catch {
    // Not YAML: taken as the text that it is.
  }
  let at = tree;
  for (const key of keys.slice(0, -1)) {
    const next = at[key];
    if (isTree(next)) at = next;
    else at = at[key] = {};
  }
  at[keys.at(-1)!] = value;
}

function merge(into: Tree, from: Tree): void {
  for (const [key, value] of Object.entries(from)) {
    const present = into[key];
    if (isTree(present) && isTree(value)) merge(present, value);
    else into[key] = value;
  }
}

function describeIssues(issues: readonly z.core.$ZodIssue[], tree: Tree): string {
  return issues.map((issue) => describeIssue(issue, tree)).join('\n');
}

function describeIssue(issue: z.core.$ZodIssue, tree: Tree): string {
  const key = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((name) => (key === '' ? name : `${key}.${name}`));
    return `${names.join(', ')}; unknown key; remove it, or see riffle describe --format schema for the keys there are`;
  }
  const given = at(tree, issue.path);
  const actual = given === undefined ? 'not given' : JSON.stringify(given);
  return `${key}; ${actual}; ${issue.message}`;
}

function at(tree: unknown, keys: readonly PropertyKey[]): unknown {
  let value = tree;
  for (const key of keys)
    value = typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined;
  return value;
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);
const kindOf = (value: unknown) => (Array.isArray(value) ? 'a list' : `a ${typeof value}`);

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
