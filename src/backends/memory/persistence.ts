import type { ExecutionEvent } from '../../events.ts';
import { toJson } from '../../json.ts';
import { type MachineSnapshot, stepKey, TERMINAL_STATUSES } from '../../machine/snapshot.ts';
import { stepConflict } from '../failures.ts';
import type { ExecutionSummary, PersistenceBackend, StepRecord } from '../interfaces.ts';
import { checkId, checkStepKey, parsePrefix, parseStepKey, pruneUpTo } from '../keys.ts';
import { byNewestChange, matchesFilter, summarize } from '../summary.ts';
import type { MemoryJournal } from './journal.ts';
import type { MemoryResults } from './results.ts';
import type { MemorySignals } from './signals.ts';
import { checkFence, type Execution, type MemoryStore, type Step } from './store.ts';

/** The roles that lose what belongs to a step or an execution together with it. */
interface OtherRoles {
  results: MemoryResults;
  journal: MemoryJournal;
  signals: MemorySignals;
}

const NO_EVENTS: readonly ExecutionEvent[] = [];

/**
 * Keeps references to the snapshots it is given, which their makers never change again, and hands out copies.
 * A save is a few map operations; nothing is serialised.
 */
export function createMemoryPersistence(store: MemoryStore, others: OtherRoles): PersistenceBackend {
  const { executions } = store;

  function keysOf(id: string, execution: Execution): string[] {
    return [...execution.steps.keys()].sort((a, b) => a - b).map((step) => stepKey(id, step));
  }

  function add(execution: Execution | undefined, step: Step): Execution {
    const { snapshot } = step;
    if (!execution) {
      const steps = new Map([[snapshot.step, step]]);
      const created = { steps, newest: step, createdAt: snapshot.created_at, cancelRequested: false };
      executions.set(snapshot.execution_id, created);
      return created;
    }
    execution.steps.set(snapshot.step, step);
    if (snapshot.step >= execution.newest.snapshot.step) execution.newest = step;
    return execution;
  }

  return {
    async save(key, snapshot, options = {}) {
      checkStepKey(key, snapshot);
      const { fence, events, over } = options;
      const upTo = pruneUpTo(snapshot.step, options.keep);
      if (fence) checkFence(store, fence);
      const known = executions.get(snapshot.execution_id);
      if (known?.steps.has(snapshot.step)) throw stepConflict(key);
      const execution = add(known, { snapshot, events: events?.length ? [...events] : NO_EVENTS });
      if (upTo !== null) prune(execution.steps, upTo);
      if (over) {
        others.journal.forget(snapshot.execution_id, over.work);
        others.signals.over(snapshot.execution_id, over);
      }
      if (TERMINAL_STATUSES.has(snapshot.status)) store.readyListeners.changed();
    },

    async load(key) {
      const parsed = parseStepKey(key);
      const step = parsed && executions.get(parsed.executionId)?.steps.get(parsed.step);
      return step ? copySnapshot(step.snapshot) : null;
    },

    async delete(key) {
      const parsed = parseStepKey(key);
      const execution = parsed && executions.get(parsed.executionId);
      if (!parsed || !execution?.steps.delete(parsed.step)) return;
      const newest = [...execution.steps.values()].reduce<Step | null>(newer, null);
      if (newest) execution.newest = newest;
      else executions.delete(parsed.executionId);
    },

    async list(prefix) {
      const { idPrefix, exact } = parsePrefix(prefix);
      const ids = exact
        ? [idPrefix].filter((id) => executions.has(id))
        : [...executions.keys()].filter((id) => id.startsWith(idPrefix)).sort();
      const keys = ids.flatMap((id) => keysOf(id, executions.get(id) as Execution));
      return exact ? keys.filter((key) => key.startsWith(prefix)) : keys;
    },

    async latest(executionId) {
      checkId(executionId);
      const execution = executions.get(executionId);
      return execution ? copySnapshot(execution.newest.snapshot) : null;
    },

    async history(executionId) {
      checkId(executionId);
      const steps = [...(executions.get(executionId)?.steps.values() ?? [])];
      return steps.sort((a, b) => a.snapshot.step - b.snapshot.step).map(copyStep);
    },

    async executions(filter = {}) {
      const found: ExecutionSummary[] = [];
      for (const { newest, createdAt } of executions.values()) {
        const { parent_execution_id: parent = null } = newest.snapshot;
        if (filter.parent !== undefined && filter.parent !== parent) continue;
        const summary = summarize(newest.snapshot, createdAt);
        if (matchesFilter(summary, filter)) found.push(summary);
      }
      return found.sort(byNewestChange).slice(0, filter.limit ?? found.length);
    },

    async deleteExecution(executionId) {
      checkId(executionId);
      executions.delete(executionId);
      others.results.forget(executionId);
      others.journal.forget(executionId, Number.POSITIVE_INFINITY);
      others.signals.over(executionId, { work: Number.POSITIVE_INFINITY, signal: 'returned' });
    },

    async requestCancel(executionId) {
      const execution = executions.get(executionId);
      if (execution) execution.cancelRequested = true;
    },

    async cancelRequested(executionId) {
      return executions.get(executionId)?.cancelRequested ?? false;
    },

    async withdrawCancel(executionId) {
      const execution = executions.get(executionId);
      if (execution) execution.cancelRequested = false;
    },
  };
}

function newer(a: Step | null, b: Step): Step {
  return a && a.snapshot.step > b.snapshot.step ? a : b;
}

function prune(steps: Map<number, Step>, upTo: number): void {
  for (const step of steps.keys()) {
    if (step > upTo) return;
    steps.delete(step);
  }
}

function copySnapshot(snapshot: MachineSnapshot): MachineSnapshot {
  return toJson(snapshot, 'snapshot') as unknown as MachineSnapshot;
}

function copyStep(step: Step): StepRecord {
  return {
    snapshot: copySnapshot(step.snapshot),
    events: step.events.map((event) => toJson(event, 'event') as unknown as ExecutionEvent),
  };
}
