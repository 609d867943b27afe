/**
 * The command line as a whole: every command, argument and option, and where its work is done. What a command needs is loaded when it is called,
 * so that help costs nothing.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { topologyNames } from '../../topologies/topology.ts';
import type { Terminal } from './terminal.ts';

export function addCommands(program: Command, terminal: Terminal): void {
  for (const add of [addRun, addFeed, addDescribe, addCheck, addExplain, addReplay, addDlq]) add(program, terminal);
}

function addRun(program: Command, terminal: Terminal): void {
  withConfig(withTopology(program.command('run')))
    .summary('run a topology over input files until every record is decided')
    .description(
      `Runs a topology (${topologyNames.join(', ')}). The same command continues a run that was stopped or killed.`,
    )
    .addOption(repeatable('--input <path>', 'file, folder, glob or - for standard input; repeatable'))
    .option('--output <dir>', 'folder for the output files', 'riffle-out')
    .option('--state <dir>', 'folder for the state of the run (default: <output>/.riffle)')
    .option('--fresh', 'forget what this output folder holds of an earlier run, and start over')
    .option('--stages <list>', 'on Kafka: the stages of this process, of sift,index,curate,controller (default: all)')
    .option('--limit <n>', 'read only the first N records, in input order', wholeNumber)
    .option('--port <n>', 'port of metrics and health; 0 picks a free one', portNumber)
    .option('--no-http', 'serve no metrics')
    .option('--json', 'print one JSON object at the end, and nothing else, on standard output')
    .addOption(
      new Option('--log-level <level>', 'how much is logged')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .addHelpText(
      'after',
      `
Examples:
  ${terminal.riffle} run web-crawl --input crawl.warc.gz --output out
  ${terminal.riffle} run text --input 'data/**/*.jsonl.zst' --output out --set output.format=parquet
  zcat docs.jsonl.gz | ${terminal.riffle} run dedup --input - --output out --set policy.dedup.similarity=0.8`,
    )
    .action(async (topology, options) => (await import('./run.ts')).runCommand(topology, options, terminal));
}

function addFeed(program: Command, terminal: Terminal): void {
  withConfig(withTopology(program.command('feed')))
    .summary('put the records of files on the raw topic of a Kafka cluster')
    .description('Puts every record on the topic once: the same command continues what was stopped or killed.')
    .addOption(repeatable('--input <path>', 'file, folder or glob; repeatable'))
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  ${terminal.riffle} feed web-crawl --set log.kind=kafka --set log.brokers=127.0.0.1:9092 --input samples/crawl.warc.gz`,
    )
    .action(async (topology, options) => (await import('./feed.ts')).feedCommand(topology, options, terminal));
}

function addDescribe(program: Command, terminal: Terminal): void {
  withConfig(withTopology(program.command('describe')))
    .summary('print a topology: stages, topics, operators, reasons, limits')
    .addOption(
      new Option('--format <format>', 'schema: the configuration as JSON Schema')
        .choices(['text', 'mermaid', 'json', 'schema'])
        .default('text'),
    )
    .addHelpText(
      'after',
      `
Examples:
  ${terminal.riffle} describe web-crawl
  ${terminal.riffle} describe text --set policy.control.rate=0 --format json
  ${terminal.riffle} describe dedup --format schema > riffle.schema.json`,
    )
    .action(async (topology, options) => (await import('./describe.ts')).describeCommand(topology, options, terminal));
}

function addCheck(program: Command, terminal: Terminal): void {
  withConfig(withTopology(program.command('check')))
    .summary('validate configuration, models, inputs and brokers without processing anything')
    .addOption(repeatable('--input <path>', 'inputs to check too; repeatable'))
    .option('--stages <list>', 'on Kafka: check what the user of these stages may do (default: all of them)')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  ${terminal.riffle} check web-crawl --config riffle.yaml
  ${terminal.riffle} check text --input data --set language.minConfidence=0.5
  ${terminal.riffle} check web-crawl --set log.kind=kafka --set log.brokers=127.0.0.1:9092 --stages sift`,
    )
    .action(async (topology, options) => (await import('./check.ts')).checkCommand(topology, options, terminal));
}

function addExplain(program: Command, terminal: Terminal): void {
  program
    .command('explain')
    .summary('why a record went where it went')
    .description(
      'Shows every signal of a record, the rule that fired with its value and limit, and the duplicate beside it.',
    )
    .argument('<record>', 'id, URL, or topic-partition@offset')
    .option('--output <dir>', 'folder of the run', 'riffle-out')
    .option('--state <dir>', 'folder for the state of the run (default: <output>/.riffle)')
    .option('--rows <n>', 'rows of text to show', wholeNumber, 16)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  ${terminal.riffle} explain https://example.org/page
  ${terminal.riffle} explain dedup.raw-docs.jsonl@1842 --output out --rows 40`,
    )
    .action(async (record, options) => (await import('./explain.ts')).explainCommand(record, options));
}

function addReplay(program: Command, terminal: Terminal): void {
  withConfig(withTopology(program.command('replay')))
    .summary('what another policy would have done, from stored signals')
    .description(
      'Decides the records of a run again under the policy of the configuration and shows what moves, and by which rule. No scorer runs.',
    )
    .option('--output <dir>', 'folder of the run', 'riffle-out')
    .option('--state <dir>', 'folder for the state of the run (default: <output>/.riffle)')
    .option('--decisions <file>', 'write every new decision to this file, as JSON lines')
    .option('--examples <n>', 'positions to show of each move', wholeNumber, 2)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  ${terminal.riffle} replay web-crawl --set policy.quality.0.atLeast=0.6
  ${terminal.riffle} replay text --output out --config stricter.yaml --decisions decided.jsonl`,
    )
    .action(async (topology, options) => (await import('./replay.ts')).replayCommand(topology, options, terminal));
}

function addDlq(program: Command, terminal: Terminal): void {
  const dlq = program
    .command('dlq')
    .summary('look at dead letters, and put them back')
    .description('Dead letters are records that could not be processed: each keeps its error and its beginning.');
  withPlace(dlq.command('list').summary('how many of each error, with examples'))
    .option('--code <code>', 'only this error')
    .action(async (options) => (await import('./dlq.ts')).listCommand(options, terminal));
  withPlace(dlq.command('show').summary('one dead letter, whole').argument('<record>', 'id, or topic-partition@offset'))
    .option('--code <code>', 'only this error')
    .action(async (record, options) => (await import('./dlq.ts')).showCommand(record, options, terminal));
  withPlace(
    dlq
      .command('retry')
      .summary('put dead letters back: the next run of the same command, or the running stream, decides them again')
      .argument('[records...]', 'ids, or topic-partition@offset'),
  )
    .option('--all', 'all that are not put back yet')
    .option('--code <code>', 'all with this error')
    .action(async (records, options) => (await import('./dlq.ts')).retryCommand(records, options, terminal));
  dlq.addHelpText(
    'after',
    `
Examples:
  ${terminal.riffle} dlq list --output out
  ${terminal.riffle} dlq show web-crawl.raw-crawl.warc.gz@1842 --output out
  ${terminal.riffle} dlq retry --code decode.tooLarge --output out

On Kafka, with the configuration of the stream instead of a folder:
  ${terminal.riffle} dlq list --topology web-crawl --config riffle.yaml
  ${terminal.riffle} dlq show web-crawl.raw-3@1842 --topology web-crawl --set log.kind=kafka --set log.brokers=127.0.0.1:9092
  ${terminal.riffle} dlq retry --all --topology web-crawl --config riffle.yaml`,
  );
}

const withTopology = (command: Command): Command => command.argument('<topology>', topologyNames.join(', '));

/** Options of every command that reads a configuration. */
const withConfig = (command: Command): Command =>
  command
    .option('--config <file>', 'YAML file with settings; riffle.yaml when present')
    .addOption(repeatable('--set <key=value>', 'one setting; repeatable'));

/** Options of the commands about dead letters: where they lie, in a folder or on topics. */
const withPlace = (command: Command): Command =>
  withConfig(
    command
      .option('--output <dir>', 'folder of the run (default: riffle-out)')
      .option('--state <dir>', 'folder for the state of the run (default: <output>/.riffle)')
      .option('--topology <name>', 'on Kafka: the topology, whose configuration says where its topics lie'),
  ).option('--json', 'print one JSON object');

const repeatable = (flags: string, text: string): Option =>
  new Option(flags, text)
    .argParser((value: string, before: readonly string[]) => [...before, value])
    .default([], 'none');

function wholeNumber(text: string): number {
  const n = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(n) || n < 0)
    throw new InvalidArgumentError('Give a whole number, 0 or more.');
  return n;
}

function portNumber(text: string): number {
  const port = wholeNumber(text);
  if (port > 65535) throw new InvalidArgumentError('Give a port, 0 to 65535.');
  return port;
}
