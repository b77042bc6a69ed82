import { setTimeout as delay } from 'node:timers/promises';
import { connect } from './connection.ts';
import { addCounts, noCounts } from './counts.ts';
import type { FromWriter, ToWriter, WriterSettings } from './messages.ts';
import { Random } from './random.ts';
import { sides } from './rows.ts';
import { Workload } from './transactions.ts';

// One application that writes to one side, in bursts between being told to run and to pause.

const settings = JSON.parse(process.argv[2]!) as WriterSettings;
const random = new Random(settings.seed, settings.name);
const connection = await connect(settings.url);
const workload = new Workload(connection, sides[settings.side], random);
const pace = new Random(settings.seed, `${settings.name} pace`);
let running = false;
let wake = () => {};

process.on('disconnect', () => process.exit(0));
// A terminal interrupts everybody; the one that started us ends us in order.
process.on('SIGINT', () => {});
process.on('message', (message: ToWriter) => {
  running = message === 'run';
  wake();
});

while (true) {
  if (!running) await new Promise<void>((resolve) => (wake = resolve));
  const counts = noCounts();
  const told = performance.now();
  try {
    while (running && performance.now() - told < 300) {
      addCounts(counts, await workload.transaction());
      await delay(pace.below(4));
    }
  } catch (error) {
    // Whatever is no broken rule and no lost race is trouble that capture made for the application.
    tell({
      kind: 'failed',
      reason: `${settings.name}: ${error instanceof Error ? error.message : String(error)}`,
    });
    running = false;
  }
  tell({ kind: 'counts', counts });
  if (!running) tell({ kind: 'paused' });
}

function tell(message: FromWriter): void {
  process.send?.(message);
}
