import type { BackendSet, Wait } from '../backends/interfaces.ts';
import { dateTime, oneLine } from './render/text.ts';

/** What an execution and everything below it wait for. */
export async function waitsBelow(backends: BackendSet, executionId: string): Promise<Wait[]> {
  const waits = await backends.signals.waits();
  const byId = new Map<string, Wait[]>();
  for (const wait of waits) byId.set(wait.execution_id, [...(byId.get(wait.execution_id) ?? []), wait]);
  const found: Wait[] = [];
  const collect = async (id: string) => {
    const own = byId.get(id) ?? [];
    found.push(...own);
    if (!own.some(({ channel }) => channel === null)) return;
    const children = await backends.persistence.executions({ parent: id, status: ['waiting'] });
    for (const child of children) await collect(child.execution_id);
  };
  await collect(executionId);
  return found;
}

/** What a wait is for, in words: `a signal on approvals/7, until 2026-01-31 12:00:00 UTC`. */
export function describeWait({ channel, deadline, signal_id }: Wait): string {
  const what = channel === null ? 'its children' : `a signal on ${oneLine(channel)}`;
  const until = deadline === null ? '' : `, until ${dateTime(new Date(deadline).toISOString())} UTC`;
  return signal_id === null ? `${what}${until}` : `${what}: ${signal_id} is there, to be resumed`;
}
