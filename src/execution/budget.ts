import { Pause } from './pause.ts';

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

/** One call that was begun. */
export interface Reservation {
  /** Replaces the one call that was reserved by what it really came to. */
  settle(spent: { calls: number; cost: number }): void;
}

const NOTHING: Spent = { calls: 0, cost: 0, steps: 0 };

/**
 * What one execution and everything below it may still use. A child's budget is bounded by its own limits and by those of all its ancestors; what it uses counts in all of them at once,
 * so that parallel children and samples cannot overdraw it together.
 */
export class Budget {
  readonly #limits: BudgetLimits;
  readonly #parent: Budget | null;
  /** Whether what is used here is part of the parent's own totals; false for launched children, which only count against its limits. */
  readonly #counted: boolean;
  #own: Spent;
  /** Of launched children. */
  #aside: Spent = { ...NOTHING };
  #reserved = 0;

  /**
   * @param used what the execution had used when it was last committed
   * @param parent its parent's budget; what it has `used` is added there
   */
  constructor(limits: BudgetLimits, used: Partial<Spent> = {}, parent: Budget | null = null, counted = true) {
    this.#limits = limits;
    this.#parent = parent;
    this.#counted = counted;
    this.#own = { ...NOTHING, ...used };
    parent?.add(this.#own, counted);
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

  /** One more step is done. */
  addStep(): void {
    this.#own.steps++;
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

  /** Why no further step may begin, or null. */
  get stepLimit(): string | null {
    const used = this.#own.steps + this.#aside.steps;
    if (used >= this.#limits.steps) return `${used} of ${this.#limits.steps} steps are done (max_steps)`;
    return this.#parent?.stepLimit ?? null;
  }

  #reserve(calls: number): void {
    this.#reserved += calls;
    if (this.#parent !== null) this.#parent.#reserve(calls);
  }
}

function limit(message: string): Pause {
  return new Pause({ status: 'limit', message });
}
