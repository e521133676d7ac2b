#!/usr/bin/env node
// Written for old Nodes as well: it must be able to say that the Node is too old.
const major = Number.parseInt(process.versions.node, 10);
if (major < 24) {
  process.stderr.write(
    `springtide needs Node 24 or newer; this is Node ${process.versions.node}.\n` +
      'Run it with a newer Node, or pin one for your project: npm install --save-dev node@26\n',
  );
  process.exitCode = 1;
} else {
  // What was compiled is kept for the next start, which it makes a fifth shorter.
  const { enableCompileCache } = await import('node:module');
  enableCompileCache();
  const { main } = await import('../dist/lib/cli/index.js');
  process.exitCode = await main(process.argv.slice(2));
}
