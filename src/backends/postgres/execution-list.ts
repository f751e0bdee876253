import type { ExecutionStatus } from '../../events.ts';
import type { ExecutionFilter, ExecutionSummary } from '../interfaces.ts';
import { byNewestChange } from '../summary.ts';
import type { PostgresStore } from './store.ts';

const IDENTITY =
  'e.execution_id, e.machine_name, e.machine_file, e.parent_execution_id, e.status, e.error, e.created_at';

/** Every execution; the children of one; those without a parent. Each is one range of an index. */
const SCOPES = {
  all: '$4::text IS NULL',
  children: 'e.parent_execution_id = $4',
  roots: 'e.parent_execution_id IS NULL AND $4::text IS NULL',
} as const;

/** One range of the index on (status, updated_at), or on (parent, status, updated_at), from its end. */
function atRest(scope: keyof typeof SCOPES): string {
  return `
    SELECT e.* FROM unnest($1::text[]) AS wanted CROSS JOIN LATERAL (
      SELECT ${IDENTITY}, e.state, e.step, e.updated_at FROM executions e
      WHERE e.status = wanted COLLATE "C" AND e.updated_at < $2 AND ${SCOPES[scope]}
      ORDER BY e.updated_at DESC LIMIT $3
    ) e`;
}

/** Where running executions stand is in their newest steps. There are as many of them as run, and as have crashed. */
function running(scope: keyof typeof SCOPES): string {
  return `
    SELECT ${IDENTITY}, s.state, s.step, s.created_at AS updated_at FROM executions e
    CROSS JOIN LATERAL (SELECT * FROM steps s WHERE s.execution = e.id ORDER BY s.step DESC LIMIT 1) s
    WHERE e.status = ANY ($1::text[]) AND s.created_at < $2 AND ${SCOPES[scope]}
    ORDER BY s.created_at DESC, e.execution_id LIMIT $3`;
}

const AT_REST: readonly ExecutionStatus[] = [
  'waiting',
  'limit',
  'interrupted',
  'completed',
  'failed',
  'cancelled',
];

/** Greater than every time. */
const END_OF_TIME = '~';

/** Lists executions, newest change first. */
export async function listExecutions(
  store: PostgresStore,
  { status, updated_before, parent, limit }: ExecutionFilter = {},
): Promise<ExecutionSummary[]> {
  const scope = parent === undefined ? 'all' : parent === null ? 'roots' : 'children';
  const before = updated_before === undefined ? END_OF_TIME : new Date(updated_before).toISOString();
  const range = [before, limit ?? null, parent ?? null];
  const wanted = AT_REST.filter((one) => !status || status.includes(one));
  const [resting, under] = await Promise.all([
    wanted.length === 0
      ? []
      : store.query<ExecutionSummary>(`executions_${scope}`, atRest(scope), [wanted, ...range]),
    status && !status.includes('running')
      ? []
      : store.query<ExecutionSummary>(`running_${scope}`, running(scope), [['running'], ...range]),
  ]);
  return [...resting, ...under].sort(byNewestChange).slice(0, limit ?? Number.POSITIVE_INFINITY);
}
