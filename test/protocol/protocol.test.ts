import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brokenModes, soundModes } from './modes.ts';
import { explore } from './schedule.ts';
import { situations } from './world.ts';

/** Schedules a sound mode; 20,000 take about a minute in all. */
const SEEDS = Number(process.env['RIFFLE_PROTOCOL_SEEDS'] ?? 1500);

describe('the delivery protocol: no schedule loses, repeats, contradicts or blocks', () => {
  for (const [name, mode] of Object.entries(soundModes)) {
    it(name, (t) => {
      const findings = explore(mode, SEEDS);
      t.diagnostic(`${findings.seeds} schedules, ${findings.decided} records, ${findings.repaired} repaired`);
      assert.deepEqual(Object.fromEntries(findings.violations), {});
      const loses = mode.conditions?.lose !== undefined;
      assert.equal(findings.repaired > 0, loses, 'losses are repaired, and nothing else is');
      for (const situation of situations) {
        if (situation === 'block behind a gap' && !loses) continue;
        if (situation === 'accepted copy is further on' && mode.conditions?.watchdog === 0) continue;
        assert.ok((findings.met.get(situation) ?? 0) > 0, `never met: ${situation}`);
      }
    });
  }
});

describe('each rule is needed', () => {
  for (const [name, mode] of Object.entries(brokenModes)) {
    it(`rule ${mode.rule}: ${name}: ${mode.because}`, (t) => {
      for (let first = 0; first < mode.within; first++) {
        const { violations } = explore(mode, 1, { first });
        const seen = [...violations.keys()].find((violation) => mode.expect.test(violation));
        if (seen === undefined) continue;
        t.diagnostic(`schedule ${first}: ${seen}`);
        return;
      }
      assert.fail(`${name}; ${mode.within} schedules showed nothing; the model has lost its bite`);
    });
  }
});
