/** docs/reference/configuration.md, written from the schema itself, so that it cannot say anything else. */
import { configJsonSchema } from '../../src/cli/describe.ts';

interface Node {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
}

const head = `# Configuration

<!-- Written by \`node test/golden/update.ts\` from the schema in src/config/schema.ts. -->

Settings come from, the later one winning, key by key:

1. the defaults below;
2. the topology's own numbers, \`topologies/<name>.yaml\`;
3. a YAML file: \`--config FILE\`, or \`riffle.yaml\` in the working folder;
4. \`--set key=value\`, repeatable. The value is YAML: \`--set rules.languages='[en, de]'\`. An item of a list is named by its number from 0:
   \`--set policy.gates.0.above=0.5\`.

Unknown keys, wrong types and combinations that make no sense end the command with exit status 2 before anything is processed; the message names the key, what was given, and what to
write instead. Nothing is read from the environment.

\`riffle describe <topology>\` prints what is in force. \`riffle describe <topology> --format schema\` prints the JSON Schema for an editor:

\`\`\`
npm run --silent riffle -- describe text --format schema > riffle.schema.json
\`\`\`

\`\`\`yaml
# yaml-language-server: $schema=./riffle.schema.json
language:
  minConfidence: 0.5
policy:
  control: { rate: 0.02 }
\`\`\`

A state folder belongs to one configuration: what decides about records is hashed, and another hash is refused. Settings of machine and pace (\`workers\`, \`http\`, \`blocks\`,
\`index\`, \`log\`) and limits of a single record (\`source\`, \`deadLetter\`) may change from one start to the next.

| key | default | meaning |
|---|---|---|
`;

export function configurationPage(): string {
  return `${head}${rowsOf(configJsonSchema() as Node, '').join('\n')}\n`;
}

function rowsOf(node: Node, prefix: string): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, inner]) => {
    const key = `${prefix}${name}`;
    const nested = inner.properties ? rowsOf(inner, `${key}.`) : rowsOf(inner.items ?? {}, `${key}.N.`);
    const value = nested.length > 0 || inner.default === undefined ? '' : `\`${JSON.stringify(inner.default)}\``;
    return [`| \`${key}\` | ${escape(value)} | ${escape(inner.description ?? '')} |`, ...nested];
  });
}

const escape = (text: string): string => text.replaceAll('|', '\\|');
