import { FlatMachineError } from '../errors.ts';
import type { ActionCall } from '../execution/interfaces.ts';
import type { JsonObject, JsonValue } from '../types.ts';

/** The pool where none is named. */
export const DEFAULT_POOL = 'default';

/** What an action of the `distributed-worker` hooks reads: the fields of the context, and over them the state's `input`. Null and an empty text count as absent. */
export class WorkerFields {
  readonly #values: JsonObject;
  readonly #action: string;

  constructor(context: JsonObject, { action, input }: Pick<ActionCall, 'action' | 'input'>) {
    this.#values = { ...context, ...input };
    this.#action = action;
  }

  /** The raw value. */
  get(name: string): JsonValue | undefined {
    const value = Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
    return value === null || value === '' ? undefined : value;
  }

  /** @throws FlatMachineError `usage` when it is no text */
  text(name: string): string | undefined {
    const value = this.get(name);
    if (value === undefined || typeof value === 'string') return value;
    throw this.#wrong(`"${name}" must be a text, not ${JSON.stringify(value)}`);
  }

  /** @throws FlatMachineError `usage` when it is not there */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw this.#wrong(`needs "${name}", in the context or the state's input`);
    return value;
  }

  /** A number of at least 0; a text that says one will do, since templates make texts. @throws FlatMachineError `usage` */
  number(name: string): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const number = typeof value === 'string' ? Number(value) : value;
    if (typeof number === 'number' && number >= 0 && number < Number.POSITIVE_INFINITY) return number;
    throw this.#wrong(`"${name}" must be a number of at least 0, not ${JSON.stringify(value)}`);
  }

  /** The pool's name. */
  get pool(): string {
    return this.text('pool_id') ?? DEFAULT_POOL;
  }

  #wrong(problem: string): FlatMachineError {
    return new FlatMachineError('usage', `action ${this.#action}: ${problem}`, {
      remedy: 'docs/workers.md says what each action reads.',
    });
  }
}
