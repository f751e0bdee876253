import type { Database, Statement } from 'better-sqlite3';
import type { ExecutionStatus } from '../../events.ts';
import type { ExecutionFilter, ExecutionSummary } from '../interfaces.ts';
import { byNewestChange } from '../summary.ts';

const IDENTITY =
  'e.execution_id, e.machine_name, e.machine_file, e.parent_execution_id, e.status, e.error, e.created_at';

/** Of the children of one execution alone; of null, of those without a parent. */
const OF_PARENT = 'AND e.parent_execution_id IS @parent';

/** One range of the index on (status, updated_at), or on (parent, status, updated_at), from its end. */
function atRest(which: string): string {
  return `
    SELECT ${IDENTITY}, e.state, e.step, e.updated_at FROM executions e
    WHERE e.status = @status AND e.updated_at < @before ${which} ORDER BY e.updated_at DESC LIMIT @most`;
}

/** Where running executions stand is in their newest steps. There are as many of them as run, and as have crashed. */
function running(which: string): string {
  return `
    SELECT ${IDENTITY}, s.state, s.step, s.created_at AS updated_at
    FROM executions e JOIN steps s
      ON s.execution = e.id AND s.step = (SELECT max(step) FROM steps WHERE execution = e.id)
    WHERE e.status = 'running' AND s.created_at < @before ${which} ORDER BY s.created_at DESC LIMIT @most`;
}

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

type Listing = Statement<[object], ExecutionSummary>;

/** Makes the listing of executions, newest change first. */
export function createExecutionList(connection: Database): (filter?: ExecutionFilter) => ExecutionSummary[] {
  const prepare = (which: string): { atRest: Listing; running: Listing } => ({
    atRest: connection.prepare(atRest(which)),
    running: connection.prepare(running(which)),
  });
  const ofAll = prepare('');
  const ofParent = prepare(OF_PARENT);

  return ({ status, updated_before, parent, limit } = {}) => {
    const range = {
      before: updated_before === undefined ? END_OF_TIME : new Date(updated_before).toISOString(),
      most: limit ?? -1,
      ...(parent === undefined ? {} : { parent }),
    };
    const listing = parent === undefined ? ofAll : ofParent;
    const wanted = AT_REST_STATUSES.filter((one) => !status || status.includes(one));
    const found = wanted.flatMap((one) => listing.atRest.all({ ...range, status: one }));
    if (!status || status.includes('running')) found.push(...listing.running.all(range));
    return found.sort(byNewestChange).slice(0, limit ?? found.length);
  };
}
