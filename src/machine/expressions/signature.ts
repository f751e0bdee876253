import { kindOf } from '../../json.ts';
import type { Frame } from './frame.ts';
import { type Value, ValueError } from './values.ts';

/** A filter, test, function or method of the templates. */
export interface Callable {
  /** Names of the parameters, in order. */
  readonly parameters: readonly string[];
  /** How many of them must be given. */
  readonly required: number;
  /**
   * `positional`: any number of further arguments. `named`: also arguments of any name, which come as a map in front of
   * the others.
   */
  readonly rest?: 'positional' | 'named';
  /** One argument is the name of a filter or test: which one, and of which kind. */
  readonly names?: { readonly argument: number; readonly kind: 'filter' | 'test' };
  /** `value` is what stands before the `|`, `is` or `.`. @throws ValueError */
  readonly apply: (value: Value, args: readonly Value[], frame: Frame) => Value;
}

/** A callable with the parameters listed in `signature`; those that must be given end with `!`. */
export function callable(signature: string, apply: Callable['apply']): Callable {
  const names = signature === '' ? [] : signature.split(' ');
  return {
    parameters: names.map((name) => name.replace('!', '')),
    required: names.filter((name) => name.endsWith('!')).length,
    apply,
  };
}

/** A whole number among the arguments; `absent` when it is not given. @throws ValueError for anything else */
export function wholeNumber(value: Value, absent: number): number {
  if (value === undefined || value === null) return absent;
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw new ValueError(`a whole number is needed, not ${kindOf(value)}`);
  }
  return value;
}

/** A text among the arguments; `absent` when it is not given. @throws ValueError for anything else */
export function textArgument(value: Value, absent: string): string {
  if (value === undefined || value === null) return absent;
  if (typeof value !== 'string') throw new ValueError(`text is needed, not ${kindOf(value)}`);
  return value;
}
