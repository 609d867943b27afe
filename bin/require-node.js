// Plain JavaScript that any Node.js can read: it has to run on the very versions that it refuses.
const wanted = 24;
const major = Number(process.versions.node.split('.')[0]);

if (major < wanted) {
  const npmRun = process.env.npm_lifecycle_event !== undefined;
  const remedy = npmRun
    ? 'the one among the dependencies is missing, because install scripts were blocked: run "npm rebuild node", or install Node.js 24'
    : 'run "npm run --silent riffle -- …", which uses the one among the dependencies, or install Node.js 24';
  process.stderr.write(`Node.js; this is ${process.version} and Riffle needs ${wanted} or later; ${remedy}\n`);
  process.exit(2);
}
