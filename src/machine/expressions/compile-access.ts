import { kindOf } from '../../json.ts';
import type { Expression } from './ast.ts';
import { type Evaluate, placed, type Surroundings } from './frame.ts';
import { didYouMean } from './suggest.ts';
import { characters, own, type Value, ValueError } from './values.ts';

type Compile = (node: Expression) => Evaluate;

/** The names that every scope has. */
const ROOTS: ReadonlyMap<string, Evaluate> = new Map<string, Evaluate>([
  ['context', (scope) => scope.context],
  ['input', (scope) => scope.input],
  ['output', (scope) => scope.output],
]);

/** A variable of the template, a name of the scope, or one of its locals. */
export function compileName(node: Extract<Expression, { kind: 'name' }>, around: Surroundings): Evaluate {
  const { name } = node;
  const slot = around.slot(name);
  if (slot !== undefined) return (_scope, frame) => frame.slots[slot];
  const simple = around.dialect === 'simple';
  const root = ROOTS.get(name);
  if (root) return simple ? (scope, frame) => root(scope, frame) ?? null : root;
  if (!simple) return (scope) => own(scope.locals, name);
  if (!around.locals.includes(name)) {
    const names = [...ROOTS.keys(), ...around.locals];
    const remedy = `Use ${names.map((each) => `\`${each}\``).join(', ')}; quote text.`;
    throw around.source.fail(`there is no name \`${name}\``, node.at, didYouMean(name, names, remedy));
  }
  return (scope) => own(scope.locals, name) ?? null;
}

/** Whether the node is the scope's `context` itself, whose `machine` is not the user's. */
function isContext(node: Expression, around: Surroundings): boolean {
  return node.kind === 'name' && node.name === 'context' && around.slot('context') === undefined;
}

/** `object.key` */
export function compileMember(
  node: Extract<Expression, { kind: 'member' }>,
  around: Surroundings,
  compile: Compile,
): Evaluate {
  const { key } = node;
  const simple = around.dialect === 'simple';
  if (isContext(node.object, around)) {
    if (key === 'machine') return simple ? (scope) => scope.machine ?? null : (scope) => scope.machine;
    return simple ? (scope) => own(scope.context, key) ?? null : (scope) => own(scope.context, key);
  }
  const object = compile(node.object);
  if (simple) return (scope, frame) => own(object(scope, frame), key) ?? null;
  return (scope, frame) => {
    const value = object(scope, frame);
    if (value === undefined) throw undefinedOf(node.object, `.${key}`, node.at, around);
    return own(value, key);
  };
}

/** `object[index]` */
export function compileIndex(
  node: Extract<Expression, { kind: 'index' }>,
  around: Surroundings,
  compile: Compile,
): Evaluate {
  if (node.index.kind === 'literal' && typeof node.index.value === 'string') {
    return compileMember(
      { kind: 'member', object: node.object, key: node.index.value, at: node.at },
      around,
      compile,
    );
  }
  const simple = around.dialect === 'simple';
  const object = compile(node.object);
  const index = compile(node.index);
  const ofContext = isContext(node.object, around);
  return (scope, frame) => {
    const value = object(scope, frame);
    const key = index(scope, frame);
    if (ofContext && key === 'machine') return scope.machine ?? (simple ? null : undefined);
    if (value === undefined) throw undefinedOf(node.object, '[…]', node.at, around);
    const found = item(value, key);
    return simple ? (found ?? null) : found;
  };
}

/** An entry of a map, an item of a list, or a character of a text; undefined when there is none. */
function item(value: Value, key: Value): Value {
  if (typeof key === 'string') return own(value, key);
  if (typeof key !== 'number') return undefined;
  if (Array.isArray(value))
    return value.at(key) !== undefined && Number.isInteger(key) ? value.at(key) : undefined;
  if (typeof value !== 'string' || !Number.isInteger(key)) return undefined;
  const all = characters(value);
  return all[key < 0 ? all.length + key : key];
}

function undefinedOf(object: Expression, part: string, at: number, around: Surroundings): Error {
  const what = describe(object);
  return around.source.fail(
    `\`${what}${part}\`: \`${what}\` is undefined`,
    at,
    'Give it a value, or test it with `is defined` first.',
  );
}

/** The expression as written, when it is a plain path. */
function describe(node: Expression): string {
  if (node.kind === 'name') return node.name;
  if (node.kind === 'member') return `${describe(node.object)}.${node.key}`;
  if (node.kind === 'index') return `${describe(node.object)}[…]`;
  return '(…)';
}

/** `object[start:stop:step]` with Python's rules. */
export function compileSlice(
  node: Extract<Expression, { kind: 'slice' }>,
  { source }: Surroundings,
  compile: Compile,
): Evaluate {
  const object = compile(node.object);
  const bounds = node.bounds.map((bound) => (bound ? compile(bound) : () => null));
  return (scope, frame) => {
    const value = object(scope, frame);
    frame.work(value);
    const numbers = bounds.map((bound) => bound(scope, frame));
    return placed(source, node.at, () => slice(value, numbers));
  };
}

function slice(value: Value, bounds: Value[]): Value {
  const [start, stop, step] = bounds.map(wholeOrNull);
  const all = typeof value === 'string' ? characters(value) : value;
  if (!Array.isArray(all) && typeof all !== 'string') throw new ValueError(`cannot slice ${kindOf(value)}`);
  const stride = step ?? 1;
  if (stride === 0) throw new ValueError('the step of a slice cannot be zero');
  const clamp = (bound: number | null | undefined, absent: number): number => {
    if (bound === null || bound === undefined) return absent;
    const from = bound < 0 ? bound + all.length : bound;
    return Math.min(Math.max(from, stride < 0 ? -1 : 0), stride < 0 ? all.length - 1 : all.length);
  };
  const from = clamp(start, stride < 0 ? all.length - 1 : 0);
  const to = clamp(stop, stride < 0 ? -1 : all.length);
  const picked: Value[] = [];
  for (let i = from; stride > 0 ? i < to : i > to; i += stride) picked.push(all[i] ?? null);
  return typeof value === 'string' ? picked.join('') : (picked as Value);
}

function wholeOrNull(value: Value): number | null {
  if (value === null) return null;
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw new ValueError(`the bound of a slice is a whole number, not ${kindOf(value)}`);
  }
  return value;
}
