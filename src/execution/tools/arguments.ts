import { FlatMachineError } from '../../errors.ts';
import type { JsonObject } from '../../types.ts';

/** Reads a tool's arguments, as a model wrote them, and says what is wrong with them in words that it can act on. */
export class Arguments {
  readonly #given: JsonObject;

  /** @throws FlatMachineError `usage` when there are arguments that the tool does not have */
  constructor(given: JsonObject, known: readonly string[]) {
    this.#given = given;
    const other = Object.keys(given).find((name) => !known.includes(name));
    if (other !== undefined)
      throw wrong(`there is no argument "${other}"; the arguments are ${known.join(', ')}`);
  }

  /** @throws FlatMachineError `usage` */
  text(name: string): string {
    const value = this.#given[name];
    if (typeof value !== 'string') throw wrong(`"${name}" must be a string`);
    return value;
  }

  /** A number of at least `least`, or `fallback` when it is absent or null. @throws FlatMachineError `usage` */
  number(name: string, fallback: number, least: number): number {
    const value = this.#given[name] ?? fallback;
    if (typeof value !== 'number' || !(value >= least))
      throw wrong(`"${name}" must be a number of at least ${least}`);
    return value;
  }

  /** @throws FlatMachineError `usage` */
  flag(name: string): boolean {
    const value = this.#given[name] ?? false;
    if (typeof value !== 'boolean') throw wrong(`"${name}" must be true or false`);
    return value;
  }
}

function wrong(problem: string): FlatMachineError {
  return new FlatMachineError('usage', problem);
}
