import type { Session } from '../stores/store.ts';
import { decodeRow, encodeRow } from '../stores/value.ts';
import type { VerifyReport } from './verify.ts';

/** Keeps a group's last full verification; an incremental one leaves what it rests on. */
export async function saveReport(session: Session, group: string, report: VerifyReport): Promise<void> {
  if (report.mode !== 'full') return;
  const kept = {
    ...report,
    differences: report.differences.map((one) => ({ ...one, key: encodeRow(one.key) })),
  };
  await session.run(
    'INSERT INTO strangler_verify (group_name, at, report) VALUES (?, ?, ?) ' +
      'ON CONFLICT (group_name) DO UPDATE SET at = excluded.at, report = excluded.report',
    [group, BigInt(Date.now()), JSON.stringify(kept)],
  );
}

export async function loadReport(session: Session, group: string): Promise<VerifyReport | undefined> {
  const [row] = await session.query('SELECT report FROM strangler_verify WHERE group_name = ?', [group]);
  if (row === undefined) return undefined;
  const kept = JSON.parse(String(row[0])) as VerifyReport;
  const differences = kept.differences.map((one) => ({
    ...one,
    key: decodeRow(one.key as unknown as string),
  }));
  return { ...kept, differences };
}
