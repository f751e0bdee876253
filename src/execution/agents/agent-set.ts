import { FlatMachineError } from '../../errors.ts';
import type { AgentDefinition } from '../../machine/interfaces.ts';
import type { AgentEnvironment, AgentExecutor } from './interfaces.ts';
import type { AgentRegistry } from './registry.ts';
import { asError } from './thrown.ts';

/** The agents of one run and of the children below it. Each is made when it is first called, once per definition, and disposed of with the set. */
export class AgentSet {
  readonly #registry: AgentRegistry;
  readonly #environment: AgentEnvironment;
  readonly #executors = new Map<AgentDefinition, Promise<AgentExecutor>>();
  #closed = false;

  constructor(registry: AgentRegistry, environment: AgentEnvironment) {
    this.#registry = registry;
    this.#environment = environment;
  }

  /**
   * The executor of an agent. Who asks while it is being made waits for the same one; one that could not be made is tried again by the next who asks.
   * @throws FlatMachineError `unknown-agent`, and what the adapter's factory throws
   */
  executor(definition: AgentDefinition): Promise<AgentExecutor> {
    const known = this.#executors.get(definition);
    if (known !== undefined) return known;
    const made = this.#make(definition);
    this.#executors.set(definition, made);
    made.catch(() => this.#executors.delete(definition));
    return made;
  }

  /**
   * Disposes of every agent, those still being made too. Idempotent.
   * @throws FlatMachineError `agent`, once all were told, if any could not be disposed of
   */
  async close(): Promise<void> {
    this.#closed = true;
    const executors = [...this.#executors];
    this.#executors.clear();
    const ends = await Promise.allSettled(
      executors.map(async ([{ name }, made]) => {
        const executor = await made.catch(() => null);
        try {
          await executor?.dispose?.();
        } catch (thrown) {
          const cause = asError(thrown, name);
          throw new FlatMachineError('agent', `cannot dispose of agent "${name}": ${cause.message}`, {
            cause,
          });
        }
      }),
    );
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  async #make(definition: AgentDefinition): Promise<AgentExecutor> {
    if (this.#closed)
      throw new FlatMachineError(
        'agent',
        `agent "${definition.name}" was asked for after the end of its run`,
      );
    const { name, type, location } = definition;
    try {
      const factory = await this.#registry.get(type).load();
      return await factory(definition, this.#environment);
    } catch (thrown) {
      const cause = asError(thrown, name);
      const ours = cause instanceof FlatMachineError ? cause : null;
      if (ours?.location !== undefined) throw ours;
      throw new FlatMachineError(ours?.code ?? 'agent', `agent "${name}": ${cause.message}`, {
        cause,
        location,
        ...(ours === null ? {} : { remedy: ours.remedy }),
        ...(ours?.details === undefined ? {} : { details: ours.details }),
      });
    }
  }
}
