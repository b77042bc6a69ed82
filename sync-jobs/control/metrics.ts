import type { GroupState, GroupStatus } from '../runner/status.ts';

interface Metric {
  name: string;
  type: 'counter' | 'gauge';
  help: string;
  samples(status: GroupStatus): [labels: Record<string, string>, value: number][];
}

const states: GroupState[] = ['starting', 'waiting', 'refused', 'running', 'idle', 'retrying', 'stopped'];

const metrics: Metric[] = [
  counter('rows_read_total', 'Legacy rows read.', (status) => status.totals.read),
  counter(
    'rows_written_total',
    "Rows inserted or updated in the service's store.",
    (status) => status.totals.written,
  ),
  counter('rows_removed_total', "Rows removed in the service's store.", (status) => status.totals.removed),
  counter('passes_total', 'Passes completed.', (status) => status.totals.passes),
  gauge(
    'rows_kept',
    'Rows left to the service by the last pass, because it has written them.',
    (status) => status.lastPass?.kept,
  ),
  gauge(
    'pass_duration_seconds',
    'Duration of the last completed pass.',
    (status) => status.lastPass?.seconds,
  ),
  gauge('last_success_timestamp_seconds', 'When both sides were last known to be equal.', (status) =>
    status.lastSuccessAt === null ? undefined : Date.parse(status.lastSuccessAt) / 1000,
  ),
  gauge('backfilled', '1 once a first pass has been completed since the start.', (status) =>
    Number(status.backfilled),
  ),
  gauge('progress_rows', 'Legacy rows read by the current or last pass.', (status) => status.progress.done),
  gauge(
    'progress_rows_expected',
    'Legacy rows that the current or last pass is to read.',
    (status) => status.progress.total ?? undefined,
  ),
  {
    name: 'strangler_sync_errors_total',
    type: 'counter',
    help: 'Failed passes, by code.',
    samples: (status) => Object.entries(status.errors).map(([code, count]) => [{ code }, count]),
  },
  {
    name: 'strangler_sync_state',
    type: 'gauge',
    help: '1 for the state that the group is in.',
    samples: (status) => states.map((state) => [{ state }, Number(state === status.state)]),
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

function counter(name: string, help: string, value: (status: GroupStatus) => number): Metric {
  return {
    name: `strangler_sync_${name}`,
    type: 'counter',
    help,
    samples: (status) => [[{}, value(status)]],
  };
}

function gauge(name: string, help: string, value: (status: GroupStatus) => number | undefined): Metric {
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
