/** What is wrong with a configuration, in the wording of this project: *key; what was given; what to write instead*. */
import type { z } from 'zod';

/** One line an issue. `tree` is what was checked. */
export function describeIssues(issues: readonly z.core.$ZodIssue[], tree: unknown): string {
  return issues.map((issue) => describeIssue(issue, tree)).join('\n');
}

function describeIssue(issue: z.core.$ZodIssue, tree: unknown): string {
  const key = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((name) => (key === '' ? name : `${key}.${name}`));
    return `${names.join(', ')}; unknown key; remove it, or see riffle describe <topology> --format schema for the keys there are`;
  }
  const given = at(tree, issue.path);
  const actual = given === undefined ? 'not given' : JSON.stringify(given);
  return `${key}; ${actual}; ${remedyOf(issue)}`;
}

/** What to write instead. Issues of this project's own rules bring their remedy with them. */
function remedyOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `give ${article(issue.expected)}`;
    case 'too_small':
      return `give ${sizeOf(issue)}${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${unitOf(issue)}`;
    case 'too_big':
      return `give ${sizeOf(issue)}${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${unitOf(issue)}`;
    case 'invalid_value':
      return `give ${issue.values.map(String).join(' or ')}`;
    case 'not_multiple_of':
      return `give a multiple of ${issue.divisor}`;
    case 'invalid_union':
      return issue.errors.flatMap((branch) => branch.slice(0, 1).map(remedyOf)).join(', or ');
    case 'invalid_format':
      if (!issue.message.startsWith('Invalid')) return `give ${issue.message}`;
      return issue.format === 'template_literal'
        ? `give text of the form ${issue.pattern}`
        : `give ${article(issue.format)}`;
    case 'custom':
    case 'invalid_element':
    case 'invalid_key':
    case 'unrecognized_keys':
      return issue.message;
  }
}

const article = (type: string): string =>
  ({ int: 'a whole number', array: 'a list', object: 'keys and values', record: 'keys and values' })[type] ??
  `a ${type}`;
const sizeOf = ({ origin }: { origin: string }): string => (origin === 'string' ? 'text of ' : '');
const unitOf = ({ origin }: { origin: string }): string =>
  ({ string: ' characters', array: ' items', set: ' items' })[origin] ?? '';

function at(tree: unknown, keys: readonly PropertyKey[]): unknown {
  let value = tree;
  for (const key of keys)
    value = typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined;
  return value;
}
