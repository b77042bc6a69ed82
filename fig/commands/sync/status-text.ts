import { rowName, skipCommand } from '@strangler-fig/sync-jobs/poison/skip-command';
import type { FeedStatus, GroupState, GroupStatus } from '@strangler-fig/sync-jobs/runner/status';
import { counted, duration, grouped, printable, styled } from './text.ts';

/** All groups as lines for a terminal, a part of its own each. */
export function statusText(groups: readonly GroupStatus[], now: number): string[] {
  if (groups.length === 0) return ['sync-jobs has no group.'];
  return groups.flatMap((group, index) => [...(index === 0 ? [] : ['']), ...groupLines(group, now)]);
}

const colours: Record<GroupState, 'green' | 'yellow' | 'red' | 'dim'> = {
  starting: 'dim',
  waiting: 'yellow',
  refused: 'red',
  uncaptured: 'yellow',
  copying: 'yellow',
  following: 'green',
  poisoned: 'red',
  retrying: 'yellow',
  standby: 'dim',
  stopped: 'dim',
};

function groupLines(group: GroupStatus, now: number): string[] {
  const { name, state, owner, epoch, legacy, service } = group;
  const head = `${styled('bold', name)}  ${styled(colours[state], state)}  owned by ${owner}, epoch ${epoch}`;
  return [
    head,
    row('legacy', legacy),
    row('service', service),
    row('copy', copyText(group)),
    ...feedTable(group.feeds),
    ...slotLines(group),
    ...group.feeds.flatMap(({ name: feed, heldBackBy }) =>
      heldBackBy.map((who) => row('held back', styled('yellow', `${feed} by ${printable(who)}`))),
    ),
    ...poisonLines(group, now),
    ...group.drift.map((what) => row('drift', styled('red', `${printable(what)}; see \`fig sync install\``))),
    row('verify', verifyText(group, now)),
    ...errorLines(group, now),
  ];
}

function row(label: string, text: string): string {
  return `  ${label.padEnd(10)}${text}`;
}

function copyText({ state, backfilled, progress: { done, total, etaSeconds } }: GroupStatus): string {
  if (state === 'uncaptured') return 'none: capture is not installed, and all is copied once it is';
  if (backfilled) return `complete, ${counted(done, 'row')}`;
  if (total === null) return `${counted(done, 'row')} so far`;
  // Rows that came while it ran make it more than there were.
  const share = total === 0 ? 0 : Math.min(99, Math.floor((done / total) * 100));
  const left = etaSeconds === null ? '' : `, about ${duration(etaSeconds)} left`;
  return `${grouped(done)} of ${counted(total, 'row')} (${share} %)${left}`;
}

function feedTable(feeds: readonly FeedStatus[]): string[] {
  if (feeds.length === 0) return [];
  const head = ['feed', 'role', 'lag', 'behind by', 'changes/s', 'carried over', 'foreign'];
  const body = feeds.map((feed) => [
    feed.name.split(':')[1] ?? feed.name,
    feed.role,
    counted(feed.lag.rows, 'row'),
    duration(feed.lag.seconds),
    grouped(feed.perSecond),
    grouped(feed.applied),
    grouped(feed.foreignChanges),
  ]);
  const widths = head.map((_, index) => Math.max(...[head, ...body].map((cells) => cells[index]!.length)));
  const shown = (cells: string[]) =>
    cells
      .map((cell, index) => (index < 2 ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!)))
      .join('  ');
  return [
    `  ${styled('dim', shown(head))}`,
    ...body.map((cells, index) =>
      // Who does not own the group should not write; what it wrote is carried nowhere.
      feeds[index]!.foreignChanges > 0 ? `  ${styled('yellow', shown(cells))}` : `  ${shown(cells)}`,
    ),
  ];
}

function slotLines({ slot }: GroupStatus): string[] {
  if (slot === undefined) return [];
  const { state, retainedBytes, behindBytes, remainingBytes, danger } = slot;
  if (danger === 'gone') {
    return [row('slot', styled('red', `${state}: changes go unseen; see \`fig sync install\``))];
  }
  const kept = `${state}, keeps ${bytes(retainedBytes)} of the log, ${bytes(behindBytes)} of it not confirmed yet`;
  if (danger === null) return [row('slot', kept)];
  const left = remainingBytes === null ? '' : ` after ${bytes(Math.max(0, remainingBytes))} more`;
  return [
    row('slot', kept),
    row(
      '',
      styled('yellow', `PostgreSQL gives it up${left} (max_slot_wal_keep_size), and all is copied anew then`),
    ),
  ];
}

function bytes(amount: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const power = amount < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(amount) / 3));
  return `${power === 0 ? amount : (amount / 1000 ** power).toFixed(1)} ${units[power]}`;
}

function poisonLines({ name, poison }: GroupStatus, now: number): string[] {
  return poison.flatMap(({ feed, table, key, code, reason, since }) => {
    const which = printable(rowName({ table, key }));
    return [
      row('poison', styled('red', `${feed}: row ${which} (${code}), ${ago(since, now)}`)),
      row('', printable(reason)),
      row('', `Mend it, then \`fig sync retry ${name}\`; or leave it out for good:`),
      row('', skipCommand(name, which)),
    ];
  });
}

function verifyText({ lastVerify }: GroupStatus, now: number): string {
  if (lastVerify === null) return 'never';
  const { mode, startedAt, rows, different, unsettled } = lastVerify;
  const found = `${grouped(different)} different, ${grouped(unsettled)} unsettled`;
  const shown = different > 0 ? styled('red', found) : unsettled > 0 ? styled('yellow', found) : found;
  return `${ago(startedAt, now)} (${mode}): ${counted(rows, 'row')}, ${shown}`;
}

function errorLines({ error, poison }: GroupStatus, now: number): string[] {
  // A poison row is said above, in the same words.
  if (error === null || poison.some(({ code }) => code === error.code)) return [];
  const again =
    error.retryAt === undefined
      ? ''
      : `; next attempt in ${duration(Math.max(0, (Date.parse(error.retryAt) - now) / 1000))}`;
  const lines = error.message.trimEnd().split('\n').map(printable);
  return [
    ...lines.map((text, index) => row(index === 0 ? 'error' : '', styled('red', text))),
    row('', `${error.code}, first ${ago(error.since, now)}${again}`),
    ...(error.hint === undefined ? [] : [row('', printable(error.hint))]),
  ];
}

function ago(time: string, now: number): string {
  const seconds = (now - Date.parse(time)) / 1000;
  return seconds < 1 ? 'just now' : `${duration(seconds)} ago`;
}
