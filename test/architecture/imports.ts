/** Import statements of source files, as they are written: no resolver, no bundler. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface Import {
  /** The importing file, relative to the repository. */
  readonly from: string;
  /** The imported file relative to the repository, or the name of a package. */
  readonly to: string;
  /** `import type …`, or every name in the braces marked so: erased before anything runs. */
  readonly typeOnly: boolean;
}

export const repository = path.resolve(import.meta.dirname, '../..');

/** Source files below `folders`, without tests, relative to the repository. */
export function sourceFiles(...folders: readonly string[]): string[] {
  return globSync(
    folders.map((folder) => `${folder}/**/*.ts`),
    { cwd: repository },
  )
    .filter((file) => !file.endsWith('.test.ts') && !file.endsWith('.d.ts'))
    .sort();
}

const STATIC = /^(?:import|export)\s+(?:(type)\s+)?(?:([^'";]*?)\s+from\s+)?'([^']+)'/gm;
const DYNAMIC = /\bimport\(\s*['`]([^'`]+)['`]\s*\)/g;
/** A worker's entry, a module by its address. */
const ADDRESS = /\bnew URL\('([^']+\.ts)', import\.meta\.url\)/g;

export function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(repository, file), 'utf8');
  const imports: Import[] = [];
  for (const [, type, names, to] of text.matchAll(STATIC))
    imports.push({ from: file, to: resolve(file, to!), typeOnly: type !== undefined || allTypes(names) });
  for (const [, to] of [...text.matchAll(DYNAMIC), ...text.matchAll(ADDRESS)])
    imports.push({ from: file, to: resolve(file, to!), typeOnly: false });
  return imports;
}

/** `{ type A, type B }`. */
function allTypes(names: string | undefined): boolean {
  const inside = /^\{([^}]*)\}$/.exec(names?.trim() ?? '')?.[1];
  if (inside === undefined) return false;
  return inside
    .split(',')
    .filter((name) => name.trim() !== '')
    .every((name) => name.trim().startsWith('type '));
}

function resolve(from: string, to: string): string {
  return to.startsWith('.') ? path.posix.join(path.posix.dirname(from), to) : to;
}
