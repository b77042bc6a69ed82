const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `booking needs Node 24 or newer, this is ${process.version}. Run it through npm (npm start), which brings its own Node.`,
  );
  process.exit(2);
}
await import('./serve.ts');
