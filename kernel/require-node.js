import module from 'node:module';

// Plain JavaScript that any Node can read: imported first by every runnable file, so that a Node which
// cannot run TypeScript is told so in one line.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `This needs Node 24 or newer, and runs on ${process.version}. Start it through npm (npm start, npm run fig), which brings its own Node.`,
  );
  process.exit(2);
}

// What was compiled and stripped of types once is kept: half of the start-up of a short command is loading code.
module.enableCompileCache();
