/**
 * Loaded into every thread of a run by NODE_OPTIONS (startRiffle's `faults`): a worker thread that comes across one of these texts while it
 * sifts, or one of these file names while it reads or decides, misbehaves as a defect in an operator, an engine or the machine would make it.
 */
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const faults = {
  hang() {
    for (;;);
  },
  exit() {
    process.exit(3);
  },
  uncaught() {
    setImmediate(() => {
      throw new Error('thrown where nobody catches it');
    });
  },
  memory() {
    const kept = [];
    for (;;) kept.push(Array.from({ length: 1 << 16 }, () => ({})));
  },
  range() {
    throw new RangeError('Invalid array length');
  },
};

function misbehave(text, stage) {
  const found = /fault-(\w+)-while-(\w+)/.exec(text);
  if (found?.[2] === stage) faults[found[1]]();
}

if (!isMainThread) {
  const parse = JSON.parse;
  JSON.parse = (text, reviver) => {
    // Curate parses dead letters.
    if (text.includes('fault-') && !new Error('stack').stack.includes('curate')) misbehave(text, 'sifting');
    return parse(text, reviver);
  };
  const stringify = JSON.stringify;
  JSON.stringify = (value, ...rest) => {
    if (typeof value === 'string' && value.includes('fault-') && new Error('stack').stack.includes('curate'))
      misbehave(value, 'deciding');
    return stringify(value, ...rest);
  };
  const open = fs.open;
  fs.open = (path, ...rest) => {
    misbehave(String(path), 'reading');
    return open(path, ...rest);
  };
  syncBuiltinESMExports();
}
