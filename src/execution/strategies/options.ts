import { FlatMachineError } from '../../errors.ts';
import type { JsonObject, JsonValue } from '../../types.ts';

/** A whole number of at least 1, or `otherwise` when there is none. @throws FlatMachineError `usage` */
export function countOption<T>(options: JsonObject, name: string, otherwise: T): number | T {
  const value = options[name];
  if (value == null) return otherwise;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1) return value;
  throw badOption(options, name, 'a whole number of at least 1');
}

/** A number from 0 to `max`, or `otherwise` when there is none. @throws FlatMachineError `usage` */
export function numberOption(options: JsonObject, name: string, otherwise: number, max: number): number {
  const value = options[name];
  if (value == null) return otherwise;
  if (isNumber(value, max)) return value;
  throw badOption(options, name, `a number from 0 to ${max}`);
}

/** A list of numbers of at least 0, or `otherwise` when there is none. @throws FlatMachineError `usage` */
export function numbersOption(
  options: JsonObject,
  name: string,
  otherwise: readonly number[],
): readonly number[] {
  const value = options[name];
  if (value == null) return otherwise;
  if (Array.isArray(value) && value.every((item) => isNumber(item, Number.POSITIVE_INFINITY))) {
    return value as number[];
  }
  throw badOption(options, name, 'a list of numbers of at least 0');
}

/** true or false; false when there is none. @throws FlatMachineError `usage` */
export function flagOption(options: JsonObject, name: string): boolean {
  const value = options[name] ?? false;
  if (typeof value === 'boolean') return value;
  throw badOption(options, name, 'true or false');
}

function isNumber(value: JsonValue, max: number): value is number {
  return typeof value === 'number' && value >= 0 && value <= max;
}

function badOption(options: JsonObject, name: string, expected: string): FlatMachineError {
  const where = typeof options.type === 'string' ? `execution type ${options.type}` : 'the agent’s metadata';
  const message = `${where}: \`${name}\` must be ${expected}, not ${JSON.stringify(options[name])}`;
  return new FlatMachineError('usage', message, { remedy: 'See docs/execution-types.md for the options.' });
}
