#!/usr/bin/env node
import './require-node.js';
import module from 'node:module';

module.enableCompileCache();
const { main } = await import('../src/main.ts');
await main();
