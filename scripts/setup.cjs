// Brings a fresh clone to a state in which everything runs: installs exactly what package-lock.json says,
// including the pinned Node. It runs before `npm start` and `npm test` on whatever Node the machine has
// (20 or newer), so it uses nothing that Node 20 lacks. It does nothing when the last install is current.
const { createHash } = require('node:crypto');
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const { spawnSync } = require('node:child_process');
const path = require('node:path');

const root = path.join(__dirname, '..');
const stamp = path.join(root, 'node_modules', '.installed-lock');
const lock = createHash('sha256')
  .update(readFileSync(path.join(root, 'package-lock.json')))
  .digest('hex');

const major = Number(process.versions.node.split('.')[0]);
if (major < 20) {
  console.error(`Setting up needs Node 20 or newer to begin with, this is ${process.version}.`);
  process.exit(2);
}
if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) process.exit(0);

console.error('Installing what package-lock.json says (once, about a minute) …');
const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
const install = [...npm.slice(1), 'ci', '--no-audit', '--no-fund', '--loglevel=error'];
const result = spawnSync(npm[0], install, { cwd: root, stdio: ['ignore', 2, 2] });
if (result.status !== 0) {
  console.error('npm ci failed, see above. Nothing was started.');
  process.exit(1);
}
writeFileSync(stamp, lock);
