import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { isFlatMachineError } from '../../errors.ts';
import type { ExecutionFilter, ExecutionSummary } from '../interfaces.ts';
import { byNewestChange, matchesFilter, summarize } from '../summary.ts';
import { orMissing } from './file-errors.ts';
import { heads, readHead } from './heads.ts';
import { textOf } from './names.ts';
import { DamagedFile, readSealed } from './sealed.ts';
import { listSteps, newestStep, type StoredStep, stepPath } from './step-files.ts';
import type { LocalStore } from './store.ts';

/** Executions looked at before the event loop has its turn. */
const READ_AT_ONCE = 64;

/** What there is in a store. Both look at every execution. */
export interface ExecutionList {
  /** Ids of the executions that have steps, in no order. */
  ids(): Promise<string[]>;
  /** See {@link PersistenceBackend.executions}. */
  executions(filter: ExecutionFilter): Promise<ExecutionSummary[]>;
}

/** Makes the listing of a store. It reads one small file of each execution, and its newest step only where that file is behind. */
export function createExecutionList(
  store: LocalStore,
  newestWhole: (directory: string, executionId: string) => StoredStep | null,
  onWarning: (message: string) => void,
): ExecutionList {
  /** Null, with a warning, where nothing is readable: the others are listed nevertheless. */
  function newestSummary(executionId: string, directory: string): ExecutionSummary | null {
    try {
      const newest = newestWhole(directory, executionId);
      return newest && summarize(newest.snapshot, newest.since);
    } catch (error) {
      if (!isFlatMachineError(error)) throw error;
      onWarning(`${executionId} is not listed: ${error.message}`);
      return null;
    }
  }

  /** Calls `visit` for every execution that has steps. */
  async function visitAll(
    visit: (executionId: string, directory: string, newest: number) => void,
  ): Promise<void> {
    const entries = orMissing(() => readdirSync(store.root, { withFileTypes: true })) ?? [];
    for (const [n, entry] of entries.entries()) {
      if (n % READ_AT_ONCE === READ_AT_ONCE - 1) await turn();
      if (!entry.isDirectory() || entry.name.startsWith('.')) continue;
      const directory = join(store.root, entry.name);
      const newest = newestStep(directory);
      if (newest === null) continue;
      const id = textOf(entry.name) ?? storedId(directory);
      if (id === null) onWarning(`${directory} is not listed: whose it is cannot be read`);
      else if (store.directoryOf(id) === directory) visit(id, directory, newest);
    }
  }

  return {
    async ids() {
      const found: string[] = [];
      await visitAll((id) => found.push(id));
      return found;
    },
    async executions(filter) {
      const found: ExecutionSummary[] = [];
      await visitAll((id, directory, newest) => {
        const summary = readHead(directory, newest) ?? newestSummary(id, directory);
        if (summary !== null && matchesFilter(summary, filter)) found.push(summary);
      });
      return found.sort(byNewestChange).slice(0, filter.limit ?? found.length);
    },
  };
}

/** The id that is too long for a name, as a head or else a step has it. */
function storedId(directory: string): string | null {
  for (const head of heads(directory)) {
    const summary = readHead(directory, head);
    if (summary !== null) return summary.execution_id;
  }
  for (const step of listSteps(directory)) {
    try {
      const stored = readSealed(stepPath(directory, step, 0)) as StoredStep | null;
      if (stored !== null) return stored.snapshot.execution_id;
    } catch (error) {
      if (!(error instanceof DamagedFile)) throw error;
    }
  }
  return null;
}
