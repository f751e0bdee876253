import type { BackendSet, ExecutionSummary } from '../backends/interfaces.ts';
import { TERMINAL_STATUSES } from '../machine/snapshot.ts';

/**
 * Whole trees of executions of which every one has ended and the root did so before `updatedBefore`, parents before their children. A child whose parent is not stored
 * (any more) is a root.
 */
export async function* endedTrees(
  store: BackendSet,
  updatedBefore: string,
): AsyncGenerator<readonly ExecutionSummary[]> {
  for (const root of await endedRoots(store, updatedBefore)) {
    const tree = await endedTree(store, root);
    if (tree !== null) yield tree;
  }
}

async function endedRoots(
  { persistence }: BackendSet,
  updatedBefore: string,
): Promise<readonly ExecutionSummary[]> {
  const ended = await persistence.executions({
    status: [...TERMINAL_STATUSES],
    updated_before: updatedBefore,
  });
  const isStored = new Map<string, boolean>();
  for (const { parent_execution_id: parent } of ended) {
    if (parent === null || isStored.has(parent)) continue;
    isStored.set(parent, (await persistence.latest(parent)) !== null);
  }
  return ended.filter(({ parent_execution_id: parent }) => parent === null || !isStored.get(parent));
}

/** An execution and all below it, breadth first; null if any of them has not ended. */
async function endedTree(
  { persistence }: BackendSet,
  root: ExecutionSummary,
): Promise<ExecutionSummary[] | null> {
  const tree = [root];
  for (const { execution_id: parent } of tree) {
    for (const child of await persistence.executions({ parent })) {
      if (!TERMINAL_STATUSES.has(child.status)) return null;
      tree.push(child);
    }
  }
  return tree;
}
