/** `npm ci` refuses a lock file that leaves out a platform's packages, and tells so on other machines only. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly optional?: boolean;
  readonly engines?: { readonly node?: string };
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const { packages } = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Readonly<Record<string, Locked>>;
};

test('the lock file holds the packages of every platform', () => {
  const missing = Object.entries(packages)
    .filter(([path]) => path !== '')
    .flatMap(([path, { optionalDependencies }]) =>
      Object.keys(optionalDependencies ?? {})
        .filter((name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages))
        .map((name) => `${name}, for ${path}`),
    );
  assert.deepEqual(missing, []);
});

test('the lock file names no download address', () => {
  assert.deepEqual(
    Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined),
    [],
  );
});

// npm leaves an optional package out, without a word, when something in its tree asks for a newer Node than npm itself runs on.
test('what is optional installs with the npm of Node 20', () => {
  const wanting = Object.entries(packages).filter(([, { optional, engines }]) => {
    const oldest = /^\s*>=\s*v?(\d+)/.exec(engines?.node ?? '');
    return optional === true && oldest !== null && Number(oldest[1]) > 20;
  });
  assert.deepEqual(
    wanting.map(([name]) => name),
    [],
  );
});
