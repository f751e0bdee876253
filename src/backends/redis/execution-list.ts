import type { ExecutionStatus } from '../../events.ts';
import type { ExecutionFilter, ExecutionSummary } from '../interfaces.ts';
import { byNewestChange, matchesFilter } from '../summary.ts';
import type { RedisStore } from './connection.ts';
import { LIST_EXECUTIONS, SHOW_EXECUTIONS } from './lua/steps.ts';
import { readSummary, scoreOf } from './standing.ts';

const STATUSES: readonly ExecutionStatus[] = [
  'running',
  'waiting',
  'limit',
  'interrupted',
  'completed',
  'failed',
  'cancelled',
];

/** How many executions are read at a time: a script keeps everybody else waiting. What is listed costs at most `limit` of each status, and all that run. */
const PAGE = 500;

/**
 * Makes the listing of executions, newest change first. Which they are is seen at one moment; what is shown of one that changed while the list was
 * read is newer, and it is left out if the filter no longer wants it.
 */
export function createExecutionList(
  store: RedisStore,
): (filter?: ExecutionFilter) => Promise<ExecutionSummary[]> {
  const list = store.script(LIST_EXECUTIONS);
  const show = store.script(SHOW_EXECUTIONS);

  /** Those that run, and of those at rest the newest that may be wanted. */
  async function candidates({ status, updated_before, parent, limit }: ExecutionFilter): Promise<string[]> {
    const wanted = STATUSES.filter((one) => !status || status.includes(one));
    const sets = wanted.map((one) => (parent === undefined ? `status:${one}` : `of:${one}:${parent ?? ''}`));
    if (sets.length === 0 || limit === 0) return [];
    const from = updated_before === undefined ? '-inf' : `(${scoreOf(updated_before)}`;
    return (await list(limit ?? -1, from, ...sets)) as string[];
  }

  return async (filter = {}) => {
    const ids = await candidates(filter);
    const found: ExecutionSummary[] = [];
    for (let i = 0; i < ids.length; i += PAGE) {
      const page = ids.slice(i, i + PAGE);
      const rows = (await show(...page)) as (string | null)[][];
      for (const [n, id] of page.entries()) {
        const summary = readSummary(id, rows[n] ?? []);
        if (summary && matchesFilter(summary, filter)) found.push(summary);
      }
    }
    return found.sort(byNewestChange).slice(0, filter.limit ?? found.length);
  };
}
