import { type Callable, callable, wholeNumber } from './signature.ts';
import { contains, equals, isMap, order, toText, type Value, ValueError } from './values.ts';

const comparison = (holds: (a: Value, b: Value) => boolean): Callable =>
  callable('other!', (value, [other]) => holds(value, other));

const kind = (holds: (value: Value) => boolean): Callable => callable('', holds);

const eq = comparison(equals);
const ne = comparison((a, b) => !equals(a, b));
const lt = comparison((a, b) => order(a, b) < 0);
const le = comparison((a, b) => order(a, b) <= 0);
const gt = comparison((a, b) => order(a, b) > 0);
const ge = comparison((a, b) => order(a, b) >= 0);

/** The tests of `is`, by name. A Map: no inherited name is one. */
export const TESTS: ReadonlyMap<string, Callable> = new Map(
  Object.entries({
    defined: kind((value) => value !== undefined),
    undefined: kind((value) => value === undefined),
    none: kind((value) => value === null),
    boolean: kind((value) => typeof value === 'boolean'),
    true: kind((value) => value === true),
    false: kind((value) => value === false),
    string: kind((value) => typeof value === 'string'),
    number: kind((value) => typeof value === 'number' || typeof value === 'boolean'),
    integer: kind((value) => Number.isInteger(value)),
    float: kind((value) => typeof value === 'number' && !Number.isInteger(value)),
    mapping: kind(isMap),
    sequence: kind((value) => typeof value === 'string' || Array.isArray(value) || isMap(value)),
    iterable: kind(
      (value) => value === undefined || typeof value === 'string' || Array.isArray(value) || isMap(value),
    ),
    even: kind((value) => remainder(value, 2) === 0),
    odd: kind((value) => Math.abs(remainder(value, 2)) === 1),
    divisibleby: callable('num!', (value, [by]) => remainder(value, by) === 0),
    lower: kind((value) => isCased(toText(value), toText(value).toLowerCase())),
    upper: kind((value) => isCased(toText(value), toText(value).toUpperCase())),
    in: callable('seq!', (value, [container], frame) => {
      frame.work(container);
      return contains(container, value);
    }),
    sameas: comparison((a, b) => a === b),
    eq,
    equalto: eq,
    '==': eq,
    ne,
    '!=': ne,
    lt,
    lessthan: lt,
    '<': lt,
    le,
    '<=': le,
    gt,
    greaterthan: gt,
    '>': gt,
    ge,
    '>=': ge,
  }),
);

function remainder(value: Value, by: Value): number {
  if (typeof value !== 'number') throw new ValueError('a number is needed');
  const divisor = wholeNumber(by, 0);
  if (divisor === 0) throw new ValueError('division by zero');
  return value % divisor;
}

/** Python's islower/isupper: some letter has a case, and all have this one. */
function isCased(text: string, wanted: string): boolean {
  return text === wanted && text.toLowerCase() !== text.toUpperCase();
}
