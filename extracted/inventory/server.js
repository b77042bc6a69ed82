import module from 'node:module';

const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `inventory needs Node 24 or newer, this is ${process.version}. Run it through npm (npm start), which brings its own Node.`,
  );
  process.exit(2);
}
// What was compiled and stripped of types once is kept: half of the start-up is loading code.
module.enableCompileCache();
await import('./serve.ts');
