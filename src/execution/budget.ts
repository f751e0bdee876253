import type { MachineSnapshot } from '../machine/snapshot.ts';
import { Pause } from './pause.ts';
import type { ExecutionSetup } from './setup.ts';

/** What has been used up. */
export interface Spent {
  /** Calls of agents, as their providers count them. */
  calls: number;
  /** In the provider's currency. */
  cost: number;
  steps: number;
}

/** Bounds; Infinity = none. */
export interface BudgetLimits {
  calls: number;
  cost: number;
  steps: number;
}

/** Whose part a budget is. */
export interface BudgetParent {
  readonly budget: Budget;
  /** Whether what is used is part of the parent's own totals; false for launched children, which only count against its limits. */
  readonly counted: boolean;
  /** The child's execution id. One that is taken up again, in the same run of its parent, is not counted twice. */
  readonly id: string;
}

/** One call that was begun. */
export interface Reservation {
  /** Replaces the one call that was reserved by what it really came to. */
  settle(spent: { calls: number; cost: number }): void;
}

const NOTHING: Spent = { calls: 0, cost: 0, steps: 0 };

/** What an execution had used when this record was written, children included; what its work under way has used is not in it. */
export function usedBy(last: MachineSnapshot): Spent {
  return {
    calls: last.total_api_calls ?? 0,
    cost: last.total_cost ?? 0,
    steps: last.total_steps ?? last.step,
  };
}

/** What came between two readings. */
export function difference(now: Readonly<Spent>, before: Readonly<Spent>): Spent {
  return { calls: now.calls - before.calls, cost: now.cost - before.cost, steps: now.steps - before.steps };
}

/**
 * What one execution and everything below it may still use. A child's budget is bounded by its own limits and by those of all its ancestors; what it uses counts in all of them at once,
 * so that parallel children and samples cannot overdraw it together.
 */
export class Budget {
  readonly #limits: BudgetLimits;
  readonly #counted: boolean;
  #parent: Budget | null;
  #own: Spent;
  /** Of launched children. */
  #aside: Spent = { ...NOTHING };
  /** Calls that were begun, here and below. */
  #reserved = 0;
  /** Steps that were begun, here and below. */
  #begun = 0;
  /** Those of the work in hand that were entered here. */
  #children: Map<string, Budget> | null = null;

  /**
   * @param used what the execution had used when it was last committed
   * @param parent where that, and all that follows, counts as well
   */
  constructor(limits: BudgetLimits, used: Partial<Spent> = {}, parent: BudgetParent | null = null) {
    this.#limits = limits;
    this.#parent = parent?.budget ?? null;
    this.#counted = parent?.counted ?? true;
    this.#own = { ...NOTHING, ...used };
    if (parent !== null) parent.budget.#enter(parent, this);
  }

  #enter({ id, counted }: BudgetParent, child: Budget): void {
    this.#children ??= new Map();
    const before = this.#children.get(id);
    this.#children.set(id, child);
    this.add(before === undefined ? child.#own : difference(child.#own, before.#own), counted);
    // What a run that lost the child still has in hand is not counted any more.
    if (before !== undefined) before.#leave();
  }

  #leave(): void {
    for (let above = this.#parent; above !== null; above = above.#parent) {
      above.#reserved -= this.#reserved;
      above.#begun -= this.#begun;
    }
    this.#parent = null;
  }

  /** Whether anything bounds what may be used here. */
  get bounded(): boolean {
    const { calls, cost, steps } = this.#limits;
    return Math.min(calls, cost, steps) < Number.POSITIVE_INFINITY || (this.#parent?.bounded ?? false);
  }

  /** What this execution and the children it waits for have used. */
  get spent(): Readonly<Spent> {
    return this.#own;
  }

  /** Adds to what was used, here and above. */
  add(more: Partial<Spent>, counted = true): void {
    const account = counted ? this.#own : this.#aside;
    account.calls += more.calls ?? 0;
    account.cost += more.cost ?? 0;
    account.steps += more.steps ?? 0;
    this.#parent?.add(more, counted && this.#counted);
  }

  /** Begins one step, so that children at work at the same time cannot overdraw the steps together. False = there is none left, here or above. */
  beginStep(): boolean {
    if (!this.#hasStep()) return false;
    for (let budget: Budget | null = this; budget !== null; budget = budget.#parent) budget.#begun++;
    return true;
  }

  /** The step that was begun is over, done or not. */
  endStep(): void {
    for (let budget: Budget | null = this; budget !== null; budget = budget.#parent) budget.#begun--;
  }

  /** One more step is done, and the work that it ends is over. */
  addStep(): void {
    this.#own.steps++;
    if (this.#children !== null) this.#children = null;
    if (this.#parent !== null) this.#parent.add({ steps: 1 }, this.#counted);
  }

  /**
   * Begins one call of an agent.
   * @throws Pause (`limit`) when it, or any budget above, has none left
   */
  reserveCall(): Reservation {
    this.assertCall();
    this.#reserve(1);
    let open = true;
    return {
      settle: ({ calls, cost }) => {
        if (!open) return;
        open = false;
        this.#reserve(-1);
        this.add({ calls, cost });
      },
    };
  }

  /** @throws Pause (`limit`) when no further call may be made */
  assertCall(): void {
    const { calls, cost } = this.#limits;
    const used = this.#own.calls + this.#aside.calls + this.#reserved;
    if (used >= calls) throw limit(`${used} of ${calls} agent calls are used (max_agent_calls)`);
    const paid = this.#own.cost + this.#aside.cost;
    if (paid >= cost) throw limit(`${paid} of ${cost} is spent (max_cost)`);
    this.#parent?.assertCall();
  }

  #hasStep(): boolean {
    if (this.#own.steps + this.#aside.steps + this.#begun >= this.#limits.steps) return false;
    return this.#parent === null || this.#parent.#hasStep();
  }

  #reserve(calls: number): void {
    this.#reserved += calls;
    if (this.#parent !== null) this.#parent.#reserve(calls);
  }
}

/** What an execution and its children may still use, as of this record. What it has used is entered in its parent's budget. */
export function budgetOf(
  { machine, maxSteps, parent, executionId: id }: ExecutionSetup,
  last: MachineSnapshot,
): Budget {
  const { max_agent_calls, max_cost, max_steps, bounds_tree } = machine.settings;
  return new Budget(
    {
      calls: max_agent_calls ?? Number.POSITIVE_INFINITY,
      cost: max_cost ?? Number.POSITIVE_INFINITY,
      steps: maxSteps ?? (bounds_tree ? max_steps : Number.POSITIVE_INFINITY),
    },
    usedBy(last),
    parent === null ? null : { budget: parent.budget, counted: parent.counted, id },
  );
}

function limit(message: string): Pause {
  return new Pause({ status: 'limit', message });
}
