/** From files, command line and defaults to one frozen configuration. Nothing else in the program reads settings. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import { ConfigError } from '../errors.ts';
import { describeIssues } from './issues.ts';
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
  // Parsed once a process: compiling the schema to code would take longer than it saves.
  const result = configSchema.safeParse(tree, { jitless: true });
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
  const key = setting.slice(0, equals);
  const keys = key.split('.');
  const text = setting.slice(equals + 1);
  let value: unknown = text;
  try {
    value = text === '' ? '' : parse(text, { schema: 'core' });
  } catch {
    // Not YAML: taken as the text that it is.
  }
  let at: Tree = tree;
  for (const [i, name] of keys.entries()) {
    // An item of a list is named by its number: policy.gates.0.above.
    if (Array.isArray(at) && !Object.hasOwn(at, name))
      throw new ConfigError(
        'setting',
        `--set ${setting}; ${keys.slice(0, i).join('.')} has ${at.length} items and none is called ${name}; name one by its number from 0, or give the whole list`,
      );
    if (name === '__proto__') throw new ConfigError('setting', `${key}; unknown key; remove it`);
    if (i === keys.length - 1) at[name] = value;
    else at = hasMembers(at[name]) ? at[name] : (at[name] = {});
  }
}

function merge(into: Tree, from: Tree): void {
  for (const [key, value] of Object.entries(from)) {
    const present = into[key];
    if (isTree(present) && isTree(value)) merge(present, value);
    else into[key] = value;
  }
}

const hasMembers = (value: unknown): value is Tree => typeof value === 'object' && value !== null;
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);
const kindOf = (value: unknown) => (Array.isArray(value) ? 'a list' : `a ${typeof value}`);

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
