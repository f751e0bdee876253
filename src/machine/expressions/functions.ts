import { kindOf } from '../../json.ts';
import type { JsonObject } from '../../types.ts';
import { lengthOf } from './filters.ts';
import { MAX_ITEMS } from './limits.ts';
import { entries, join } from './list-filters.ts';
import { LoopState } from './loop-state.ts';
import { type Callable, callable, textArgument, wholeNumber } from './signature.ts';
import { replaceText, strip, TEXT_FILTERS } from './text-filters.ts';
import { characters, equals, isMap, iterate, own, type Value, ValueError } from './values.ts';

/** What a template can call by name. */
export const FUNCTIONS: ReadonlyMap<string, Callable> = new Map([
  ['range', callable('start! stop step', (_value, args) => range(args))],
  [
    'dict',
    {
      ...callable('', (_value, [options]) => ({ ...(options as object) }) as Value),
      rest: 'named',
    } as Callable,
  ],
]);

/** What a template can call on a value. Never a property of the value: `context.items` is the user's key. */
export const METHODS: ReadonlyMap<string, Callable> = new Map(
  Object.entries<Callable>({
    items: callable('', (value) => entries(map(value)) as Value),
    keys: callable('', (value) => Object.keys(map(value))),
    values: callable('', (value) => entries(map(value)).map((pair) => (pair as Value[])[1]) as Value),
    get: callable('key! default', (value, [key, absent]) =>
      typeof key === 'string' ? (own(map(value), key) ?? absent ?? null) : (absent ?? null),
    ),
    upper: onText('upper'),
    lower: onText('lower'),
    title: onText('title'),
    capitalize: onText('capitalize'),
    strip: callable('chars', (value, [chars]) => strip(text(value), chars, 'both')),
    lstrip: callable('chars', (value, [chars]) => strip(text(value), chars, 'left')),
    rstrip: callable('chars', (value, [chars]) => strip(text(value), chars, 'right')),
    split: callable('sep maxsplit', (value, [by, most]) => split(text(value), by, wholeNumber(most, -1))),
    splitlines: callable('', (value) =>
      text(value)
        .replace(/\r\n?|\n$/g, (end) => (end === '\n' ? '' : '\n'))
        .split('\n'),
    ),
    join: callable('items!', (value, [items]) => join(iterate(items).map(text), text(value))),
    replace: callable('old! new! count', (value, [from, to, count]) =>
      replaceText(text(value), textArgument(from, ''), textArgument(to, ''), wholeNumber(count, -1)),
    ),
    startswith: callable('prefix!', (value, [prefix]) => text(value).startsWith(text(prefix))),
    endswith: callable('suffix!', (value, [suffix]) => text(value).endsWith(text(suffix))),
    find: callable('sub!', (value, [part]) => {
      const before = text(value).indexOf(text(part));
      return before === -1 ? -1 : characters(text(value).slice(0, before)).length;
    }),
    count: callable('item!', (value, [item]) =>
      typeof value === 'string'
        ? text(item) === ''
          ? lengthOf(value) + 1
          : value.split(text(item)).length - 1
        : list(value).filter((each) => equals(each, item)).length,
    ),
    index: callable('item!', (value, [item]) => {
      const found = list(value).findIndex((each) => equals(each, item));
      if (found === -1) throw new ValueError('the list does not hold the item');
      return found;
    }),
    cycle: {
      ...callable('', (value, args) => {
        if (!(value instanceof LoopState)) throw new ValueError('only `loop` has `cycle`');
        if (args.length === 0) throw new ValueError('`cycle` needs at least one item');
        return args[value.index0 % args.length];
      }),
      rest: 'positional',
    },
  }),
);

function onText(filter: string): Callable {
  const { apply } = TEXT_FILTERS[filter]!;
  return callable('', (value, args, frame) => apply(text(value), args, frame));
}

function map(value: Value): JsonObject {
  if (!isMap(value)) throw new ValueError(`a map is needed, not ${kindOf(value)}`);
  return value;
}

function text(value: Value): string {
  if (typeof value !== 'string') throw new ValueError(`text is needed, not ${kindOf(value)}`);
  return value;
}

function list(value: Value): readonly Value[] {
  if (!Array.isArray(value)) throw new ValueError(`a list is needed, not ${kindOf(value)}`);
  return value;
}

/** Python's split: without a separator at runs of whitespace. */
function split(value: string, separator: Value, most: number): string[] {
  const parts =
    separator === undefined || separator === null
      ? splitAtSpaces(value, most)
      : splitAt(value, text(separator), most);
  if (parts.length > MAX_ITEMS) throw new ValueError(`the list has more than ${MAX_ITEMS} items`);
  return parts;
}

function splitAt(value: string, separator: string, most: number): string[] {
  if (separator === '') throw new ValueError('the separator is empty');
  const parts = value.split(separator);
  if (most < 0 || parts.length <= most + 1) return parts;
  return [...parts.slice(0, most), parts.slice(most).join(separator)];
}

function splitAtSpaces(value: string, most: number): string[] {
  const parts: string[] = [];
  let rest = value.trimStart();
  if (most < 0) return rest.trimEnd() === '' ? [] : rest.trimEnd().split(/\s+/);
  while (rest !== '' && parts.length < most) {
    const [word] = /^\S+/.exec(rest)!;
    parts.push(word);
    rest = rest.slice(word.length).trimStart();
  }
  return rest === '' ? parts : [...parts, rest];
}

/** Python's range, as a list. */
function range(args: readonly Value[]): Value {
  const [first, second, third] = args;
  const start = second === undefined ? 0 : wholeNumber(first, 0);
  const stop = wholeNumber(second === undefined ? first : second, 0);
  const step = wholeNumber(third, 1);
  if (step === 0) throw new ValueError('the step of a range cannot be zero');
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (count > MAX_ITEMS) throw new ValueError(`the range has more than ${MAX_ITEMS} items`);
  return Array.from({ length: count }, (_, i) => start + i * step);
}
