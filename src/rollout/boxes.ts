import type { BackendSet, EnvironmentRecord } from '../backends/interfaces.ts';
import { crashPoint } from '../crash-points.ts';
import type { Environment, Runner } from '../runners/interfaces.ts';

/**
 * One runner's environments as this process sees them: one open channel each, shared by every slot, and the two ways they end.
 */
export class Boxes {
  readonly runner: Runner;
  readonly #backends: BackendSet;
  readonly #open = new Map<string, Promise<Environment | null>>();

  constructor(backends: BackendSet, runner: Runner) {
    this.#backends = backends;
    this.runner = runner;
  }

  /** The living environment with this id, or null. Attached to once. */
  attach(id: string): Promise<Environment | null> {
    const known = this.#open.get(id);
    if (known !== undefined) return known;
    const attaching = this.runner.attach(id);
    this.#open.set(id, attaching);
    attaching.then(
      (environment) => environment === null && this.#open.delete(id),
      () => this.#open.delete(id),
    );
    return attaching;
  }

  /** Keeps an environment that was just created. */
  keep(environment: Environment): void {
    this.#open.set(environment.id, Promise.resolve(environment));
  }

  /**
   * Takes down an environment whose record says `destroying` and forgets it. Whoever finds such a record may finish it: each part is idempotent.
   */
  async destroy(id: string): Promise<void> {
    crashPoint('environment.destroying');
    await this.#forget(id);
    await this.runner.destroy(id);
    crashPoint('environment.destroyed');
    await this.#backends.slots.removeEnvironment(id);
  }

  /** Destroys the environment if nobody holds a slot of it. @returns whether it is gone */
  async retire(record: Pick<EnvironmentRecord, 'environment_id' | 'state'>): Promise<boolean> {
    const id = record.environment_id;
    if (record.state !== 'destroying' && !(await this.#backends.slots.retireEnvironment(id))) return false;
    await this.destroy(id);
    return true;
  }

  /** Forgets an environment that was found dead, with its slots: whoever held one has lost it already. */
  async discard(id: string): Promise<void> {
    await this.#forget(id);
    await this.runner.destroy(id);
    await this.#backends.slots.removeEnvironment(id);
  }

  /** Closes this process's channels; the environments go on. */
  async close(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((id) => this.#forget(id)));
  }

  async #forget(id: string): Promise<void> {
    const attached = this.#open.get(id);
    this.#open.delete(id);
    const environment = await attached?.catch(() => null);
    await environment?.close();
  }
}
