import { kindOf } from '../../json.ts';
import type { Operator } from './ast.ts';
import { MAX_ITEMS, MAX_TEXT } from './limits.ts';
import { toText, type Value, ValueError } from './values.ts';

/** The operators on values, with Python's meaning. Each throws {@link ValueError} on values it does not take. */
export const OPERATORS: Readonly<Record<Operator, (a: Value, b: Value) => Value>> = {
  '+': add,
  '-': (a, b) => numeric('-', a, b, (x, y) => x - y),
  '*': multiply,
  '/': (a, b) => numeric('/', a, b, divide),
  '//': (a, b) => numeric('//', a, b, (x, y) => Math.floor(divide(x, y))),
  '%': modulo,
  '**': (a, b) => numeric('**', a, b, power),
  '~': (a, b) => bounded(toText(a), toText(b)),
};

function add(a: Value, b: Value): Value {
  if (typeof a === 'string' && typeof b === 'string') return bounded(a, b);
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.length + b.length > MAX_ITEMS) throw new ValueError(`the list has more than ${MAX_ITEMS} items`);
    return [...a, ...b];
  }
  return numeric('+', a, b, (x, y) => x + y);
}

function multiply(a: Value, b: Value): Value {
  if (typeof a === 'string' && typeof b === 'number') return repeat(a, b);
  if (typeof a === 'number' && typeof b === 'string') return repeat(b, a);
  return numeric('*', a, b, (x, y) => x * y);
}

function modulo(a: Value, b: Value): Value {
  return numeric('%', a, b, (x, y) => {
    if (y === 0) throw new ValueError('division by zero');
    const rest = x % y;
    return rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest;
  });
}

function divide(x: number, y: number): number {
  if (y === 0) throw new ValueError('division by zero');
  return x / y;
}

function power(x: number, y: number): number {
  if (x === 0 && y < 0) throw new ValueError('division by zero');
  const result = x ** y;
  if (Number.isNaN(result)) throw new ValueError('the power is not a real number');
  return result;
}

/** A text after another. @throws ValueError past the bound */
export function bounded(a: string, b: string): string {
  if (a.length + b.length > MAX_TEXT) throw new ValueError(`the text is longer than ${MAX_TEXT} characters`);
  return a + b;
}

function repeat(text: string, times: number): string {
  if (!Number.isInteger(times)) throw new ValueError('text is repeated a whole number of times');
  if (text.length * times > MAX_TEXT) throw new ValueError(`the text is longer than ${MAX_TEXT} characters`);
  return text.repeat(Math.max(0, times));
}

function numeric(operator: string, a: Value, b: Value, compute: (a: number, b: number) => number): number {
  if (typeof a !== 'number' || typeof b !== 'number') {
    throw new ValueError(`\`${operator}\` does not take ${kindOf(a)} and ${kindOf(b)}`);
  }
  return checked(compute(a, b), a, b);
}

/**
 * `result`, without a negative zero.
 * @throws ValueError when it is not finite, or when it is a whole number that could not be computed exactly from exact ones
 */
export function checked(result: number, a: number, b: number): number {
  if (Number.isSafeInteger(result)) return result + 0;
  if (!Number.isFinite(result)) throw new ValueError('the number is too large');
  if (Number.isInteger(result) && Number.isSafeInteger(a) && Number.isSafeInteger(b)) {
    throw new ValueError('the whole number is too large to be exact (beyond 2^53)');
  }
  return result;
}
