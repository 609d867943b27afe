import path from 'node:path';

export const goldenFile = (topology: string): string => path.join(import.meta.dirname, `${topology}.txt`);
