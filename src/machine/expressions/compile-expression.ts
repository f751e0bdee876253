import { kindOf, setOwn } from '../../json.ts';
import type { JsonObject } from '../../types.ts';
import { checked, OPERATORS } from './arithmetic.ts';
import type { Expression } from './ast.ts';
import { compileIndex, compileMember, compileName, compileSlice } from './compile-access.ts';
import { compileCall, compileFilter, compileMethod, compileTest } from './compile-call.ts';
import { compileComparison } from './compile-comparison.ts';
import { type Evaluate, placed, type Surroundings } from './frame.ts';
import { truth, type Value } from './values.ts';

/** An expression as a closure. @throws FlatMachineError for names, filters and tests that do not exist */
export function compileExpression(node: Expression, around: Surroundings): Evaluate {
  const compile = (inner: Expression): Evaluate => compileExpression(inner, around);
  switch (node.kind) {
    case 'literal': {
      const { value } = node;
      return () => value;
    }
    case 'name':
      return compileName(node, around);
    case 'member':
      return compileMember(node, around, compile);
    case 'index':
      return compileIndex(node, around, compile);
    case 'slice':
      return compileSlice(node, around, compile);
    case 'negate':
    case 'plus':
      return compileSign(node.kind, compile(node.operand), node.at, around);
    case 'not': {
      const operand = compile(node.operand);
      return (scope, frame) => !truth(operand(scope, frame));
    }
    case 'binary':
      return compileBinary(node, around, compile);
    case 'compare':
      return compileComparison(node, around, compile);
    case 'logic':
      return compileLogic(node.operator, node.items.map(compile), around);
    case 'conditional':
      return compileConditional(node, compile);
    case 'list':
      return compileList(node.items.map(compile));
    case 'map':
      return compileMap(node, around, compile);
    case 'filter':
      return compileFilter(node, around, compile);
    case 'test':
      return compileTest(node, around, compile);
    case 'call':
      return compileCall(node, around, compile);
    case 'method':
      return compileMethod(node, around, compile);
  }
}

function compileSign(
  kind: 'negate' | 'plus',
  operand: Evaluate,
  at: number,
  { source }: Surroundings,
): Evaluate {
  return (scope, frame) => {
    const value = operand(scope, frame);
    if (typeof value !== 'number') throw source.fail(`\`-\` does not take ${kindOf(value)}`, at);
    return kind === 'negate' ? 0 - value : value;
  };
}

function compileBinary(
  node: Extract<Expression, { kind: 'binary' }>,
  { source }: Surroundings,
  compile: (node: Expression) => Evaluate,
): Evaluate {
  const left = compile(node.left);
  const right = compile(node.right);
  const operate = OPERATORS[node.operator];
  const { at } = node;
  const slow = (a: Value, b: Value): Value => placed(source, at, () => operate(a, b));
  if (node.operator === '+' || node.operator === '-') {
    const sign = node.operator === '+' ? 1 : -1;
    return (scope, frame) => {
      const a = left(scope, frame);
      const b = right(scope, frame);
      if (typeof a !== 'number' || typeof b !== 'number') return slow(a, b);
      const result = a + sign * b;
      return Number.isSafeInteger(result) ? result : placed(source, at, () => checked(result, a, b));
    };
  }
  return (scope, frame) => slow(left(scope, frame), right(scope, frame));
}

/** Jinja2's `and`/`or` give one of the operands; the simple language's give booleans. */
function compileLogic(operator: 'and' | 'or', items: Evaluate[], { dialect }: Surroundings): Evaluate {
  const stop = operator === 'or';
  if (dialect === 'simple') {
    return (scope, frame) => {
      for (const item of items) if (truth(item(scope, frame)) === stop) return stop;
      return !stop;
    };
  }
  return (scope, frame) => {
    let value: Value;
    for (const item of items) {
      value = item(scope, frame);
      if (truth(value) === stop) return value;
    }
    return value;
  };
}

function compileConditional(
  node: Extract<Expression, { kind: 'conditional' }>,
  compile: (node: Expression) => Evaluate,
): Evaluate {
  const test = compile(node.test);
  const consequent = compile(node.consequent);
  const otherwise = node.otherwise ? compile(node.otherwise) : () => undefined;
  return (scope, frame) => (truth(test(scope, frame)) ? consequent(scope, frame) : otherwise(scope, frame));
}

function compileList(items: Evaluate[]): Evaluate {
  return (scope, frame) => items.map((item) => item(scope, frame) ?? null);
}

function compileMap(
  node: Extract<Expression, { kind: 'map' }>,
  { source }: Surroundings,
  compile: (node: Expression) => Evaluate,
): Evaluate {
  const entries = node.entries.map(([key, value]) => [compile(key), compile(value), key.at] as const);
  return (scope, frame) => {
    const map: JsonObject = {};
    for (const [key, value, at] of entries) {
      const name = key(scope, frame);
      if (typeof name !== 'string') throw source.fail(`the key of a map is text, not ${kindOf(name)}`, at);
      setOwn(map, name, value(scope, frame) ?? null);
    }
    return map;
  };
}
