/** Writes the golden texts again; `git diff test/golden docs` then shows what changes for users. */
import { writeFileSync } from 'node:fs';
import { describe } from '../../src/cli/describe.ts';
import { topologyNames } from '../../topologies/topology.ts';
import { configurationPage } from './configuration.ts';
import { configurationFile, goldenFile } from './files.ts';

for (const name of topologyNames) writeFileSync(goldenFile(name), await describe(name, { set: [], format: 'text' }));
writeFileSync(configurationFile, configurationPage());
