import type { Command } from 'commander';
import { registerBackfill } from './backfill.ts';
import { registerCapture } from './capture.ts';
import { registerCheck } from './check.ts';
import { registerInit } from './init.ts';
import { registerOwner } from './owner.ts';
import { registerPoison } from './poison.ts';
import { registerRepair } from './repair.ts';
import { registerStatus } from './status.ts';
import { registerVerify } from './verify.ts';

/** `fig sync`: what carries the data over, and whether both sides have the same. */
export function registerSync(program: Command): void {
  const sync = program
    .command('sync')
    .summary('install capture, watch the feeds, compare and mend rows')
    .description(
      'Steers what carries the data from one side to the other. install, uninstall, init and check work on the databases, which the same variables name as for sync-jobs; the other commands ask a running sync-jobs.',
    )
    .addHelpText(
      'after',
      `
Examples:
  fig sync install
  fig sync status --watch
  fig sync verify booking
  fig sync repair booking --apply`,
    );
  for (const register of [
    registerInit,
    registerCheck,
    registerCapture,
    registerStatus,
    registerBackfill,
    registerPoison,
    registerVerify,
    registerRepair,
    registerOwner,
  ]) {
    register(sync);
  }
}
