#!/usr/bin/env node
import './require-node.js';
import module from 'node:module';

module.enableCompileCache();
// Worker threads look for it in the environment.
process.env.NODE_COMPILE_CACHE ??= module.getCompileCacheDir() ?? '';
const { main } = await import('../src/main.ts');
await main();
