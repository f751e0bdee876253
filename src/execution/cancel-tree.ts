import type { BackendSet, ExecutionSummary } from '../backends/interfaces.ts';
import { toError } from '../errors.ts';
import { TERMINAL_STATUSES } from '../machine/snapshot.ts';
import type { Clock } from '../types.ts';
import { type CancelResult, cancelExecution } from './cancel.ts';
import { eachOf } from './each-of.ts';

/** How many descendants are cancelled at the same time. */
const CONCURRENCY = 16;

/** What became of a tree that was cancelled. */
export interface TreeCancelResult {
  root: CancelResult;
  /** How many executions are below it, whatever became of them. */
  below: number;
  /** Descendants that somebody still runs. Each was asked to end. */
  running: string[];
  /** What could not be given back, and why. */
  failed: { executionId: string; error: Error }[];
}

/**
 * Ends an execution and everything below it, parked and launched children included. From the top down: an execution that has ended starts no more children, so that none is
 * missed. Children of an execution that ended otherwise before are left alone.
 * @param waitMs how long to wait for whoever runs something of the tree, milliseconds
 * @param giveBack gives back what an execution owned that nobody runs any more
 * @throws FlatMachineError `execution-not-found`
 */
export async function cancelTree(
  backends: BackendSet,
  executionId: string,
  clock: Clock,
  waitMs: number,
  giveBack: (executionId: string) => Promise<void>,
): Promise<TreeCancelResult> {
  const until = clock.monotonic() + waitMs;
  const tree: TreeCancelResult = {
    root: await cancelExecution(backends, executionId, clock, waitMs),
    below: 0,
    running: [],
    failed: [],
  };
  if (tree.root.by === 'here') await returnAll(executionId);
  if (tree.root.status === 'cancelled') await cancelBelow([executionId]);
  return tree;

  /** One level of the tree after the other. */
  async function cancelBelow(parents: readonly string[]): Promise<void> {
    const children: ExecutionSummary[] = [];
    for (const parent of parents) children.push(...(await backends.persistence.executions({ parent })));
    if (children.length === 0) return;
    tree.below += children.length;
    const open = children.filter(({ status }) => !TERMINAL_STATUSES.has(status));
    await eachOf(open, CONCURRENCY, cancelOne);
    await cancelBelow(children.map((child) => child.execution_id));
  }

  async function cancelOne({ execution_id: child }: ExecutionSummary): Promise<void> {
    const { by } = await cancelExecution(backends, child, clock, Math.max(0, until - clock.monotonic()));
    if (by === null) tree.running.push(child);
    if (by !== 'here') return;
    await returnAll(child);
  }

  async function returnAll(id: string): Promise<void> {
    try {
      await giveBack(id);
    } catch (thrown) {
      tree.failed.push({ executionId: id, error: toError(thrown) });
    }
  }
}
