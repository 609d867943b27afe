import path from 'node:path';

export const goldenFile = (topology: string): string => path.join(import.meta.dirname, `${topology}.txt`);

export const configurationFile = path.join(import.meta.dirname, '../../docs/reference/configuration.md');
