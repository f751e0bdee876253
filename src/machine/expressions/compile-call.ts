import type { JsonObject, JsonValue } from '../../types.ts';
import type { Arguments, Expression } from './ast.ts';
import { FILTERS } from './filters.ts';
import { type Evaluate, type Frame, placedError, type Surroundings } from './frame.ts';
import { FUNCTIONS, METHODS } from './functions.ts';
import { SEQUENCE_FILTERS } from './sequence-filters.ts';
import type { Callable } from './signature.ts';
import { didYouMean } from './suggest.ts';
import { TESTS } from './tests.ts';
import type { Value } from './values.ts';

type Compile = (node: Expression) => Evaluate;

const NO_HOST = 'Templates can call only what is built in.';

/** `object | name(args)` */
export function compileFilter(
  node: Extract<Expression, { kind: 'filter' }>,
  around: Surroundings,
  compile: Compile,
): Evaluate {
  const filter = FILTERS.get(node.name) ?? SEQUENCE_FILTERS.get(node.name);
  if (!filter)
    throw unknown('filter', node.name, node.at, around, [...FILTERS.keys(), ...SEQUENCE_FILTERS.keys()]);
  checkNamedCallable(node, filter, around);
  return compileCallable(filter, compile(node.object), node, around, compile);
}

/** `map('upper')`, `select('even')`: the name of the inner filter or test is checked at load when it is written out. */
function checkNamedCallable(
  node: Extract<Expression, { kind: 'filter' }>,
  filter: Callable,
  around: Surroundings,
): void {
  const position = filter.names?.argument ?? -1;
  const argument = node.args.positional[position];
  if (!filter.names || argument?.kind !== 'literal' || typeof argument.value !== 'string') return;
  const known = filter.names.kind === 'filter' ? FILTERS : TESTS;
  if (!known.has(argument.value)) {
    throw unknown(filter.names.kind, argument.value, argument.at, around, known.keys());
  }
}

/** `object is name(args)` */
export function compileTest(
  node: Extract<Expression, { kind: 'test' }>,
  around: Surroundings,
  compile: Compile,
): Evaluate {
  const test = TESTS.get(node.name);
  if (!test) throw unknown('test', node.name, node.at, around, TESTS.keys());
  const evaluate = compileCallable(test, compile(node.object), node, around, compile);
  return node.negated ? (scope, frame) => evaluate(scope, frame) !== true : evaluate;
}

/** `name(args)` */
export function compileCall(
  node: Extract<Expression, { kind: 'call' }>,
  around: Surroundings,
  compile: Compile,
): Evaluate {
  const called = FUNCTIONS.get(node.name);
  if (!called) throw unknown('function', node.name, node.at, around, FUNCTIONS.keys(), NO_HOST);
  return compileCallable(called, () => undefined, node, around, compile);
}

/** `object.name(args)`: never a property of the object, always one of the built-in table. */
export function compileMethod(
  node: Extract<Expression, { kind: 'method' }>,
  around: Surroundings,
  compile: Compile,
): Evaluate {
  const method = METHODS.get(node.name);
  if (!method) throw unknown('method', node.name, node.at, around, METHODS.keys(), NO_HOST);
  return compileCallable(method, compile(node.object), node, around, compile);
}

function unknown(
  what: string,
  name: string,
  at: number,
  around: Surroundings,
  names: Iterable<string>,
  otherwise = 'See the language reference for those there are.',
): Error {
  return around.source.fail(`there is no ${what} \`${name}\``, at, didYouMean(name, names, otherwise));
}

function compileCallable(
  callable: Callable,
  subject: Evaluate,
  node: { readonly name: string; readonly args: Arguments; readonly at: number },
  around: Surroundings,
  compile: Compile,
): Evaluate {
  const args = bindArguments(callable, node, around, compile);
  const { source } = around;
  const { apply } = callable;
  return (scope, frame) => {
    const value = subject(scope, frame);
    try {
      frame.work(value);
      const bound = args.map((arg) => arg?.(scope, frame));
      const result = apply(value, bound, frame);
      frame.work(result);
      return result;
    } catch (error) {
      throw placedError(source, node.at, error);
    }
  };
}

/** Puts the arguments in the order of the parameters. */
function bindArguments(
  callable: Callable,
  node: { readonly name: string; readonly args: Arguments; readonly at: number },
  { source }: Surroundings,
  compile: Compile,
): (Evaluate | undefined)[] {
  const { parameters, rest } = callable;
  const { positional, named } = node.args;
  if (positional.length > parameters.length && !rest) {
    throw source.fail(`\`${node.name}\` takes at most ${parameters.length} arguments`, node.at);
  }
  const bound: (Evaluate | undefined)[] = positional.map(compile);
  const options: [string, Evaluate][] = [];
  for (const [name, value] of named) {
    const position = parameters.indexOf(name);
    if (position === -1 && rest === 'named') options.push([name, compile(value)]);
    else if (position === -1) {
      const remedy = parameters.length === 0 ? 'It takes none.' : `It takes ${parameters.join(', ')}.`;
      throw source.fail(
        `\`${node.name}\` has no argument \`${name}\``,
        value.at,
        didYouMean(name, parameters, remedy),
      );
    } else if (bound[position]) throw source.fail(`\`${name}\` is given twice`, value.at);
    else bound[position] = compile(value);
  }
  for (let i = 0; i < callable.required; i++) {
    if (!bound[i]) throw source.fail(`\`${node.name}\` needs \`${parameters[i]}\``, node.at);
  }
  return rest === 'named' ? [namedOptions(options), ...bound] : Array.from(bound);
}

/** The arguments with free names, as one map in front of the others. */
function namedOptions(options: readonly [string, Evaluate][]): Evaluate {
  return (scope, frame: Frame) => {
    const map: JsonObject = Object.create(null);
    for (const [name, value] of options) map[name] = (value(scope, frame) as Value as JsonValue) ?? null;
    return map;
  };
}
