import type { LaunchIntent } from '../machine/snapshot.ts';

/** The launched children of an execution that are not known to have ended. */
export class Launches {
  readonly #pending = new Map<string, LaunchIntent>();

  constructor(before: readonly LaunchIntent[]) {
    for (const intent of before) this.#pending.set(intent.execution_id, intent);
  }

  add(intent: LaunchIntent): void {
    this.#pending.set(intent.execution_id, intent);
  }

  ended(executionId: string): void {
    this.#pending.delete(executionId);
  }

  /** What a record has to say about them; null = nothing. */
  pending(): LaunchIntent[] | null {
    return this.#pending.size === 0 ? null : [...this.#pending.values()];
  }
}
