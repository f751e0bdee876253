import type { ExecutionEvent, ExecutionStatus } from '../../events.ts';
import { Progress } from './progress.ts';
import { oneLine } from './text.ts';

/** A child that runs now. */
export interface LiveChild {
  readonly parent: string;
  /** Safe for a terminal. */
  readonly machine: string;
  readonly progress: Progress;
}

/** The executions below a run: those that run now one by one, the others as counts, so that ten thousand of them take no more room than ten. */
export class Children {
  /** Those that run now, in the order they were started. */
  readonly live = new Map<string, LiveChild>();
  readonly #ended = new Map<ExecutionStatus, number>();
  readonly #parked = new Set<string>();

  /** Takes in one event of any execution of the tree. */
  apply(event: ExecutionEvent): void {
    if (event.type === 'child_start' || event.type === 'launch') {
      this.#parked.delete(event.child);
      const { execution_id: parent } = event;
      this.live.set(event.child, { parent, machine: oneLine(event.machine), progress: new Progress() });
    } else if (event.type === 'child_end') {
      this.#end(event.child, event.status);
    } else {
      this.live.get(event.execution_id)?.progress.apply(event);
      if (event.type === 'execution_end') this.#end(event.execution_id, event.status);
    }
  }

  /** How many there have been, by status. */
  get counts(): Partial<Record<ExecutionStatus, number>> {
    return {
      running: this.live.size,
      waiting: this.#parked.size,
      ...Object.fromEntries(this.#ended),
    };
  }

  /** Those that run now with their depth below the root, each under its parent. */
  *tree(root: string, depth = 0): Generator<[id: string, child: LiveChild, depth: number]> {
    for (const [id, child] of this.live) {
      if (child.parent !== root) continue;
      yield [id, child, depth];
      yield* this.tree(id, depth + 1);
    }
  }

  /** Told of an end twice, by the child and by its parent, it counts the first. */
  #end(id: string, status: ExecutionStatus): void {
    if (!this.live.delete(id)) return;
    if (status === 'waiting') this.#parked.add(id);
    else this.#ended.set(status, (this.#ended.get(status) ?? 0) + 1);
  }
}
