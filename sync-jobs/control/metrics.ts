import type { FeedStatus, GroupStatus } from '../runner/status.ts';
import { groupStates } from '../runner/status.ts';

interface Metric {
  name: string;
  type: 'counter' | 'gauge';
  help: string;
  samples(status: GroupStatus): [labels: Record<string, string>, value: number][];
}

const metrics: Metric[] = [
  ofFeed('lag_rows', 'gauge', 'Changes that are not carried over yet.', ({ lag }) => lag.rows),
  ofFeed(
    'lag_seconds',
    'gauge',
    'Age of the oldest change that is not carried over.',
    ({ lag }) => lag.seconds,
  ),
  ofFeed('changes_applied_total', 'counter', 'Changes carried over, ever.', ({ applied }) => applied),
  ofFeed(
    'foreign_changes_total',
    'counter',
    'Changes of the side that does not own the group, ever.',
    ({ foreignChanges }) => foreignChanges,
  ),
  ofFeed('live', 'gauge', '1 for the feed that carries changes over, 0 for the armed one.', ({ role }) =>
    Number(role === 'live'),
  ),
  ofFeed(
    'held_back',
    'gauge',
    'Long transactions that keep the feed from going on.',
    ({ heldBackBy }) => heldBackBy.length,
  ),
  ofGroup('epoch', 'How often the owner has changed, and one.', ({ epoch }) => epoch),
  ofGroup('owned_by_service', '1 where the service owns the group.', ({ owner }) =>
    Number(owner === 'service'),
  ),
  ofGroup('backfilled', '1 once the first copy is complete.', ({ backfilled }) => Number(backfilled)),
  ofGroup('progress_rows', 'Rows that the first copy has read.', ({ progress }) => progress.done),
  ofGroup(
    'progress_rows_expected',
    'Rows that the first copy is to read.',
    ({ progress }) => progress.total ?? undefined,
  ),
  ofGroup('poison_rows', 'Rows that a feed stands before.', ({ poison }) => poison.length),
  ofGroup(
    'capture_drift',
    'Things that are not as they were when capture was installed.',
    ({ drift }) => drift.length,
  ),
  ofGroup(
    'slot_retained_bytes',
    "Bytes of PostgreSQL's log that it keeps for the group's slot, and reads at each look.",
    ({ slot }) => slot?.retainedBytes,
  ),
  ofGroup(
    'slot_behind_bytes',
    "Bytes of PostgreSQL's log that the feed has not passed.",
    ({ slot }) => slot?.behindBytes,
  ),
  ofGroup(
    'slot_remaining_bytes',
    'Bytes that may still be logged before PostgreSQL gives the slot up; left out where it never does.',
    ({ slot }) => slot?.remainingBytes ?? undefined,
  ),
  ofGroup('slot_lost', '1 where the slot is gone, or what it needs of the log is.', ({ slot }) =>
    slot === undefined ? undefined : Number(slot.danger === 'gone'),
  ),
  ofGroup('verify_rows', 'Rows compared by the last verification.', ({ lastVerify }) => lastVerify?.rows),
  ofGroup(
    'verify_different_rows',
    'Rows that differed at the last verification.',
    ({ lastVerify }) => lastVerify?.different,
  ),
  ofGroup('verify_timestamp_seconds', 'When the last verification began.', ({ lastVerify }) =>
    lastVerify === null ? undefined : Date.parse(lastVerify.startedAt) / 1000,
  ),
  {
    name: 'strangler_sync_errors_total',
    type: 'counter',
    help: 'Failed attempts, by code.',
    samples: (status) => Object.entries(status.errors).map(([code, count]) => [{ code }, count]),
  },
  {
    name: 'strangler_sync_state',
    type: 'gauge',
    help: '1 for the state that the group is in.',
    samples: (status) => groupStates.map((state) => [{ state }, Number(state === status.state)]),
  },
];

/** All groups' metrics in Prometheus' text format. */
export function renderMetrics(groups: GroupStatus[]): string {
  return metrics
    .map(({ name, type, help, samples }) => {
      const lines = groups.flatMap((status) =>
        samples(status).map(
          ([labels, value]) => `${name}${labelled({ group: status.name, ...labels })} ${value}`,
        ),
      );
      return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
    })
    .join('');
}

/** Group names and codes are letters, digits, dashes and underscores: nothing to escape. */
function labelled(labels: Record<string, string>): string {
  return `{${Object.entries(labels)
    .map(([label, value]) => `${label}="${value}"`)
    .join(',')}}`;
}

function ofFeed(
  name: string,
  type: Metric['type'],
  help: string,
  value: (feed: FeedStatus) => number,
): Metric {
  return {
    name: `strangler_sync_${name}`,
    type,
    help,
    samples: ({ feeds }) =>
      feeds.map((feed): [Record<string, string>, number] => [
        { direction: feed.name.split(':')[1]! },
        value(feed),
      ]),
  };
}

function ofGroup(name: string, help: string, value: (status: GroupStatus) => number | undefined): Metric {
  return {
    name: `strangler_sync_${name}`,
    type: 'gauge',
    help,
    samples: (status) => {
      const found = value(status);
      return found === undefined ? [] : [[{}, found]];
    },
  };
}
