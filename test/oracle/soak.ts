/**
 * The promise, tried for as long as you like: `npm run soak -- --seeds 50 --records 100000`. One line a seed; exit status 1 when a record was lost,
 * written twice or decided by another verdict than the log gives.
 */
import { parseArgs } from 'node:util';
import { startKafka } from '../../scripts/kafka/broker.ts';
import { faultsOf, runOracle } from './oracle.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '50' },
    first: { type: 'string', default: '1' },
    records: { type: 'string', default: '100000' },
    partitions: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '30' },
    'fault-rate': { type: 'string', default: '0.002' },
    nodes: { type: 'string', default: '3' },
  },
});

let bad = 0;
let kafka = await startKafka({ nodes: values.nodes === '1' ? 1 : 3 });
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void kafka.stop().finally(() => process.exit(1)));
const first = Number(values.first);
for (let seed = first; seed < first + Number(values.seeds); seed++) {
  try {
    const result = await runOracle({
      kafka,
      seed,
      records: Number(values.records),
      partitions: Number(values.partitions),
      chaosSeconds: Number(values.seconds),
      faultRate: Number(values['fault-rate']),
    });
    const wrong = faultsOf(result);
    if (wrong.length > 0) bad++;
    const { fed, compared, actions, errors, seconds } = result;
    console.log(
      `seed ${seed}: ${wrong.length === 0 ? 'exact' : `WRONG: ${wrong.join('; ')}`}; ${fed} records, ${compared} verdicts compared, ${seconds.toFixed(0)} s; ${JSON.stringify(actions)}; ${errors.length} processes ended by an error`,
    );
    // What it said, without the stack.
    for (const error of errors)
      console.log(
        `  ${error
          .split('\n')
          .filter((text) => !/^\s+at |^$/.test(text))
          .slice(0, 1)
          .concat(
            error
              .split('\n')
              .filter((text) => /Error|-[a-z]+: /.test(text))
              .slice(-2),
          )
          .join(' | ')
          .slice(0, 400)}`,
      );
  } catch (error) {
    bad++;
    console.log(`seed ${seed}: FAILED: ${(error as Error).message}`);
  }
  // Old data makes every restart of a broker slower.
  if ((seed - first) % 10 === 9) {
    await kafka.stop();
    kafka = await startKafka({ nodes: values.nodes === '1' ? 1 : 3 });
  }
}
await kafka.stop();
console.log(`${values.seeds} seeds, ${bad} wrong`);
process.exitCode = bad === 0 ? 0 : 1;
