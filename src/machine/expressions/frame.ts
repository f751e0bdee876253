import type { Render, Scope } from '../interfaces.ts';
import { MAX_ITERATIONS, MAX_WORK } from './limits.ts';
import type { Source } from './source.ts';
import type { Dialect } from './token-cursor.ts';
import { type Value, ValueError } from './values.ts';

/** The changing state of one rendering. */
export class Frame {
  /** Values of the template's own variables, by the number the compiler gave them. */
  readonly slots: Value[];
  #iterations = 0;
  #work = 0;

  constructor(slots: number) {
    this.slots = slots === 0 ? NO_SLOTS : new Array<Value>(slots).fill(undefined);
  }

  /** Counts one round of a loop. @throws ValueError past the bound */
  round(): void {
    if (++this.#iterations > MAX_ITERATIONS)
      throw new ValueError(`more than ${MAX_ITERATIONS} rounds of loops`);
  }

  /** Counts what a filter has to go through. @throws ValueError past the bound */
  work(value: Value): void {
    this.#work += typeof value === 'string' || Array.isArray(value) ? value.length : 1;
    if (this.#work > MAX_WORK) throw new ValueError('the template works through too much data');
  }
}

const NO_SLOTS: Value[] = [];

/** A compiled expression. */
export type Evaluate = (scope: Scope, frame: Frame) => Value;

/** What the compiler of an expression knows around it. */
export interface Surroundings {
  readonly source: Source;
  /** `simple`: what is missing is null, and `and`/`or` give booleans. */
  readonly dialect: Dialect;
  /** Names beside the usual ones that the simple language may use. */
  readonly locals: readonly string[];
  /** The number of a variable of the template itself; undefined when the name is not one. */
  slot(name: string): number | undefined;
}

/** Runs `compute`; what it finds wrong with the values becomes an error at `at`. */
export function placed<T>(source: Source, at: number, compute: () => T): T {
  try {
    return compute();
  } catch (error) {
    throw placedError(source, at, error);
  }
}

/** `error` with the place, when it had none yet. */
export function placedError(source: Source, at: number, error: unknown): unknown {
  return error instanceof ValueError ? source.fail(error.message, at) : error;
}

/**
 * A whole evaluation as a closure: what is not there is null, and whatever goes wrong is a FlatMachineError with its place.
 * @param slots how many variables the frame needs
 */
export function evaluateAll(evaluate: Evaluate, source: Source, slots = 0): Render {
  return (scope) => {
    try {
      const value = evaluate(scope, new Frame(slots));
      return value === undefined ? null : value;
    } catch (error) {
      if (error instanceof RangeError) {
        throw source.fail('a value is too large or nested too deeply', 0, undefined, error);
      }
      throw placedError(source, 0, error);
    }
  };
}
