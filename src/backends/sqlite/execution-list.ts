import type { Database } from 'better-sqlite3';
import type { ExecutionStatus } from '../../events.ts';
import type { ExecutionFilter, ExecutionSummary } from '../interfaces.ts';
import { byNewestChange } from '../summary.ts';

const IDENTITY =
  'e.execution_id, e.machine_name, e.machine_file, e.parent_execution_id, e.status, e.error, e.created_at';

/** One range of the index on (status, updated_at), from its end. */
const AT_REST = `
  SELECT ${IDENTITY}, e.state, e.step, e.updated_at FROM executions e
  WHERE e.status = ? AND e.updated_at < ? ORDER BY e.updated_at DESC LIMIT ?`;

/** Where running executions stand is in their newest steps. There are as many of them as run, and as have crashed. */
const RUNNING = `
  SELECT ${IDENTITY}, s.state, s.step, s.created_at AS updated_at
  FROM executions e JOIN steps s
    ON s.execution = e.id AND s.step = (SELECT max(step) FROM steps WHERE execution = e.id)
  WHERE e.status = 'running' AND s.created_at < ? ORDER BY s.created_at DESC LIMIT ?`;

const AT_REST_STATUSES: readonly ExecutionStatus[] = [
  'waiting',
  'limit',
  'interrupted',
  'completed',
  'failed',
  'cancelled',
];

/** Greater than every time. */
const END_OF_TIME = '~';

/** Makes the listing of executions, newest change first. */
export function createExecutionList(connection: Database): (filter?: ExecutionFilter) => ExecutionSummary[] {
  const atRest = connection.prepare<[string, string, number], ExecutionSummary>(AT_REST);
  const running = connection.prepare<[string, number], ExecutionSummary>(RUNNING);

  return ({ status, updated_before, limit } = {}) => {
    const before = updated_before === undefined ? END_OF_TIME : new Date(updated_before).toISOString();
    const most = limit ?? -1;
    const wanted = AT_REST_STATUSES.filter((one) => !status || status.includes(one));
    const found = wanted.flatMap((one) => atRest.all(one, before, most));
    if (!status || status.includes('running')) found.push(...running.all(before, most));
    return found.sort(byNewestChange).slice(0, limit ?? found.length);
  };
}
