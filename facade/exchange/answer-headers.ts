import { type FaultKind, faultHeader } from '../faults/fault.ts';
import { servedByHeader } from '../forward/response-headers.ts';
import type { Backend } from '../routes/model.ts';
import type { Checked } from './checked.ts';

/** Headers that the facade adds to a backend's answer. */
export function answerHeaders(
  { table, decision, answerHeaders }: Checked,
  backend: Backend,
  fault: FaultKind | undefined,
): [string, string][] {
  const headers: [string, string][] = [...answerHeaders];
  if (fault !== undefined) headers.push([faultHeader, fault]);
  if (table.servedBy) headers.push([servedByHeader, backend.name]);
  if (decision.setCookie !== undefined) headers.push(['set-cookie', decision.setCookie]);
  return headers;
}
