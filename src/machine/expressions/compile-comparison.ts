import type { Comparator, Expression } from './ast.ts';
import { type Evaluate, type Frame, placedError, type Surroundings } from './frame.ts';
import { contains, equals, order, type Value } from './values.ts';

type Compare = (a: Value, b: Value, frame: Frame) => boolean;

const COMPARE: Readonly<Record<Comparator, Compare>> = {
  '==': equals,
  '!=': (a, b) => !equals(a, b),
  '<': (a, b) => order(a, b) < 0,
  '<=': (a, b) => order(a, b) <= 0,
  '>': (a, b) => order(a, b) > 0,
  '>=': (a, b) => order(a, b) >= 0,
  in: (a, b, frame) => {
    frame.work(b);
    return contains(b, a);
  },
  'not in': (a, b, frame) => {
    frame.work(b);
    return !contains(b, a);
  },
};

/** Two numbers, the common case, without a call. */
const NUMERIC: Readonly<Partial<Record<Comparator, (a: number, b: number) => boolean>>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

/** `a < b`, or a chain `a < b < c` whose operands are evaluated once each, as far as needed. */
export function compileComparison(
  node: Extract<Expression, { kind: 'compare' }>,
  { source }: Surroundings,
  compile: (node: Expression) => Evaluate,
): Evaluate {
  const first = compile(node.first);
  const steps = node.rest.map(({ operator, right, at }) => ({
    right: compile(right),
    compare: COMPARE[operator],
    numeric: NUMERIC[operator] ?? null,
    at,
  }));
  const apply = (step: (typeof steps)[number], a: Value, b: Value, frame: Frame): boolean => {
    if (typeof a === 'number' && typeof b === 'number' && step.numeric) return step.numeric(a, b);
    try {
      return step.compare(a, b, frame);
    } catch (error) {
      throw placedError(source, step.at, error);
    }
  };
  const [only] = steps;
  if (only && steps.length === 1) {
    const { right } = only;
    return (scope, frame) => apply(only, first(scope, frame), right(scope, frame), frame);
  }
  return (scope, frame) => {
    let left = first(scope, frame);
    for (const step of steps) {
      const right = step.right(scope, frame);
      if (!apply(step, left, right, frame)) return false;
      left = right;
    }
    return true;
  };
}
