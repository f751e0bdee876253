import type { BackendSet } from '../backends/interfaces.ts';

/**
 * Finds executions that are nobody's: they run by their record, but no living process holds them, and they, or an execution above them, have waited before, so that no person
 * sits before them who would resume them. A worker that died leaves such ones.
 */
export class AbandonedExecutions {
  readonly #backends: Pick<BackendSet, 'persistence' | 'locking'>;
  /** Whether an execution had waited when it was at this step. */
  #known = new Map<string, { step: number; waited: boolean }>();

  constructor(backends: Pick<BackendSet, 'persistence' | 'locking'>) {
    this.#backends = backends;
  }

  /** Their ids. Costs little more than a listing of the executions that run. */
  async find(): Promise<string[]> {
    const { persistence, locking } = this.#backends;
    const before = this.#known;
    this.#known = new Map();
    const found: string[] = [];
    for (const { execution_id: id, step } of await persistence.executions({ status: ['running'] })) {
      const holder = await locking.holder(id);
      if (holder !== null && holder.expires_in > 0) continue;
      const known = before.get(id);
      const waited = known?.step === step ? known.waited : await this.#hasWaited(id);
      this.#known.set(id, { step, waited });
      // It may have ended since it was listed.
      if (waited && (await persistence.latest(id))?.status === 'running') found.push(id);
    }
    return found;
  }

  async #hasWaited(executionId: string): Promise<boolean> {
    const history = await this.#backends.persistence.history(executionId);
    if (history.some(({ snapshot }) => snapshot.status === 'waiting')) return true;
    const parent = history.at(-1)?.snapshot.parent_execution_id;
    return parent === undefined ? false : this.#hasWaited(parent);
  }
}
