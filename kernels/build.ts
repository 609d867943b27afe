import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { buildFoldTable } from './fold-table.ts';

/**
 * Compiles kernels/assembly to kernels/riffle.wasm, with the fold table as custom sections.
 * Does nothing when a stamp says that neither the sources nor the compiler changed.
 */
const here = import.meta.dirname;
const assembly = path.join(here, 'assembly');
const target = path.join(here, 'riffle.wasm');
const stampFile = path.join(here, '.cache', 'stamp');
const fold = path.join(here, '../src/dedup/fold.ts');

function stamp(): string {
  const sources = readdirSync(assembly, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => path.join(assembly, name));
  const hash = createHash('sha256')
    .update(compilerVersion())
    .update(process.versions.unicode ?? '');
  for (const file of [...sources, fold, path.join(here, 'build.ts'), path.join(here, 'fold-table.ts')]) {
    hash.update(path.basename(file)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

function compilerVersion(): string {
  const manifest = path.join(here, '../node_modules/assemblyscript/package.json');
  if (!existsSync(manifest)) {
    throw new Error('AssemblyScript compiler; not installed; run "npm ci" with development dependencies');
  }
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(manifest, 'utf8'))).version;
}

async function compile(): Promise<Uint8Array> {
  const { default: asc } = await import('assemblyscript/asc');
  let binary: Uint8Array | undefined;
  const stderr = asc.createMemoryStream();
  const { error } = await asc.main(
    [
      'riffle.ts',
      '--outFile',
      'riffle.wasm',
      '--baseDir',
      assembly,
      '--runtime',
      'stub',
      '--use',
      'abort=',
      '--enable',
      'simd',
      '-O3',
      '--noAssert',
    ],
    {
      stderr,
      writeFile: (name, contents) => {
        if (name === 'riffle.wasm' && typeof contents !== 'string') binary = contents;
      },
    },
  );
  if (error || !binary) throw new Error(`kernels; do not compile; ${stderr.toString()}`, { cause: error });
  return binary;
}

/** A custom section (WebAssembly core specification, 5.5.3), to be appended to a module. */
function customSection(name: string, payload: Uint8Array): Uint8Array {
  const label = Buffer.from(name);
  const content = Buffer.concat([leb128(label.length), label, payload]);
  return Buffer.concat([Buffer.of(0), leb128(content.length), content]);
}

function leb128(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}

export async function build(): Promise<'built' | 'up to date'> {
  const current = stamp();
  if (existsSync(target) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === current) return 'up to date';
  const { table, digits } = buildFoldTable();
  const parts = [await compile(), customSection('riffle.fold', table), customSection('riffle.digits', digits)];
  // Two builds at once are harmless: each renames a whole file into place.
  const temporary = `${target}.${process.pid}.partial`;
  writeFileSync(temporary, Buffer.concat(parts));
  renameSync(temporary, target);
  mkdirSync(path.dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, current);
  rmSync(temporary, { force: true });
  return 'built';
}

if (import.meta.main) await build();
