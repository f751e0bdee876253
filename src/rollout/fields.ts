import { type ErrorCode, FlatMachineError } from '../errors.ts';
import { isJsonObject, kindOf } from '../json.ts';
import type { JsonObject, JsonValue } from '../types.ts';

/** Reads the fields of a map that somebody wrote by hand, and says precisely what is wrong with them. */
export class Fields {
  readonly #map: JsonObject;
  readonly #where: string;
  readonly #code: ErrorCode;

  /**
   * @param where how messages name the map, e.g. a file's path
   * @param known its fields; another one is an error
   * @throws FlatMachineError of `code` when `value` is no map or has other fields
   */
  constructor(value: JsonValue | undefined, where: string, code: ErrorCode, known: readonly string[]) {
    this.#where = where;
    this.#code = code;
    if (!isJsonObject(value))
      throw this.#wrong(`must be a map, not ${value == null ? 'nothing' : kindOf(value)}`);
    this.#map = value;
    const other = Object.keys(value).find((key) => !known.includes(key));
    if (other !== undefined)
      throw this.#wrong(`has the unknown field "${other}"; there are: ${known.join(', ')}`);
  }

  /** The raw value; null counts as absent. */
  get(name: string): JsonValue | undefined {
    return Object.hasOwn(this.#map, name) ? (this.#map[name] ?? undefined) : undefined;
  }

  string(name: string): string | undefined;
  string(name: string, fallback: string): string;
  string(name: string, fallback?: string): string | undefined {
    const value = this.get(name);
    if (value === undefined) return fallback;
    if (typeof value !== 'string' || value === '')
      throw this.#mustBe(name, 'a text that is not empty', value);
    return value;
  }

  /** A string that must be there. */
  required(name: string): string {
    const value = this.string(name);
    if (value === undefined) throw this.#wrong(`lacks "${name}"`);
    return value;
  }

  /** A number above zero. */
  positive(name: string): number | undefined;
  positive(name: string, fallback: number): number;
  positive(name: string, fallback?: number): number | undefined {
    const value = this.get(name);
    if (value === undefined) return fallback;
    if (typeof value !== 'number' || !(value > 0)) throw this.#mustBe(name, 'a number above 0', value);
    return value;
  }

  /** A whole number of at least `least`. */
  whole(name: string, fallback: number, least: number): number {
    const value = this.get(name);
    if (value === undefined) return fallback;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least) {
      throw this.#mustBe(name, `a whole number of at least ${least}`, value);
    }
    return value;
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const choice = choices.find((candidate) => candidate === value);
    if (choice === undefined) throw this.#mustBe(name, `one of ${choices.join(', ')}`, value);
    return choice;
  }

  list(name: string): JsonValue[] | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) throw this.#mustBe(name, 'a list', value);
    return value;
  }

  #mustBe(name: string, what: string, value: JsonValue): FlatMachineError {
    return this.#wrong(`"${name}" must be ${what}, not ${JSON.stringify(value).slice(0, 80)}`);
  }

  #wrong(problem: string): FlatMachineError {
    return new FlatMachineError(this.#code, `${this.#where}: ${problem}`);
  }
}
