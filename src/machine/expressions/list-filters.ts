import { kindOf } from '../../json.ts';
import type { JsonValue } from '../../types.ts';
import { bounded, OPERATORS } from './arithmetic.ts';
import { MAX_ITEMS } from './limits.ts';
import { type Callable, callable, textArgument, wholeNumber } from './signature.ts';
import {
  characters,
  equals,
  isMap,
  iterate,
  order,
  own,
  toText,
  truth,
  type Value,
  ValueError,
} from './values.ts';

/** Filters on lists and maps. */
export const LIST_FILTERS: Readonly<Record<string, Callable>> = {
  first: callable('', (value) => iterate(value)[0]),
  last: callable('', (value) => iterate(value).at(-1)),
  join: callable('d attribute', (value, [separator, attribute]) =>
    join(iterate(value).map(picker(attribute)), toText(separator)),
  ),
  sum: callable('attribute start', (value, [attribute, start], frame) =>
    iterate(value)
      .map(picker(attribute))
      .reduce((total, item) => {
        frame.work(total);
        return OPERATORS['+'](total, item);
      }, start ?? 0),
  ),
  min: callable('case_sensitive attribute', (value, [cased, attribute]) =>
    extreme(value, cased, attribute, -1),
  ),
  max: callable('case_sensitive attribute', (value, [cased, attribute]) =>
    extreme(value, cased, attribute, 1),
  ),
  sort: callable('reverse case_sensitive attribute', (value, [reverse, cased, attribute]) =>
    sortBy([...iterate(value)], attributeKeys(attribute, truth(cased)), truth(reverse)),
  ),
  unique: callable('case_sensitive attribute', (value, [cased, attribute]) =>
    unique(value, truth(cased), attribute),
  ),
  reverse: callable('', (value) => {
    if (typeof value === 'string') return Array.from(characters(value)).reverse().join('');
    return [...iterate(value)].reverse() as Value;
  }),
  list: callable('', (value) => [...iterate(value)] as Value),
  items: callable('', (value) => entries(value) as Value),
  dictsort: callable('case_sensitive by reverse', (value, [cased, by, reverse]) => {
    const side = textArgument(by, 'key');
    if (side !== 'key' && side !== 'value') throw new ValueError('`by` is key or value');
    const key = (pair: Value): Value => folded((pair as JsonValue[])[side === 'key' ? 0 : 1], truth(cased));
    return sortBy(entries(value), (pair) => [key(pair)], truth(reverse));
  }),
  batch: callable('linecount! fill_with', (value, [count, fill]) =>
    batch(iterate(value), wholeNumber(count, 1), fill ?? null),
  ),
};

/** Key and value of each entry of a map. */
export function entries(value: Value): Value[] {
  if (value === undefined) return [];
  if (!isMap(value)) throw new ValueError(`a map is needed, not ${kindOf(value)}`);
  return Object.keys(value).map((key) => [key, value[key]!]);
}

/** Takes `a.b.0` out of a value; without an attribute the value itself. @throws ValueError for an attribute of something undefined */
export function picker(attribute: Value): (value: Value) => Value {
  if (attribute === undefined || attribute === null) return (value) => value;
  const path = toText(attribute).split('.');
  return (value) => path.reduce<Value>(step, value);
}

function step(value: Value, part: string): Value {
  if (value === undefined) throw new ValueError(`\`${part}\` of something undefined`);
  if (Array.isArray(value) && /^\d+$/.test(part)) return value[Number(part)];
  return own(value, part);
}

/** The texts of the items with `separator` between them. @throws ValueError past the bound on texts */
export function join(items: readonly Value[], separator: string): string {
  let text = '';
  items.forEach((item, i) => {
    text = bounded(text, i === 0 ? toText(item) : separator + toText(item));
  });
  return text;
}

function folded(value: Value, cased: boolean): Value {
  return typeof value === 'string' && !cased ? value.toLowerCase() : value;
}

/** What to sort by: the comma-separated attributes, or the value itself. */
function attributeKeys(attribute: Value, cased: boolean): (value: Value) => Value[] {
  const attributes = typeof attribute === 'string' ? attribute.split(',') : [attribute];
  const pickers = attributes.map(picker);
  return (value) => pickers.map((pick) => folded(pick(value), cased));
}

function sortBy(items: Value[], keys: (value: Value) => Value[], reverse: boolean): Value {
  const keyed = items.map((item) => ({ item, keys: keys(item) }));
  keyed.sort((a, b) => {
    for (let i = 0; i < a.keys.length; i++) {
      const difference = equals(a.keys[i], b.keys[i]) ? 0 : order(a.keys[i], b.keys[i]);
      if (difference !== 0) return reverse ? -difference : difference;
    }
    return 0;
  });
  return keyed.map(({ item }) => item) as Value;
}

function extreme(value: Value, cased: Value, attribute: Value, sign: 1 | -1): Value {
  const pick = picker(attribute);
  const key = (item: Value): Value => folded(pick(item), truth(cased));
  const items = iterate(value);
  let best = items[0];
  for (const item of items.slice(1)) if (order(key(item), key(best)) * sign > 0) best = item;
  return best;
}

function unique(value: Value, cased: boolean, attribute: Value): Value {
  const pick = picker(attribute);
  const seen = new Set<Value>();
  const containers: Value[] = [];
  return iterate(value).filter((item) => {
    const key = folded(pick(item), cased);
    if (typeof key === 'object' && key !== null) {
      if (containers.length > 1000) throw new ValueError('too many different lists or maps');
      if (containers.some((each) => equals(each, key))) return false;
      containers.push(key);
      return true;
    }
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  }) as Value;
}

function batch(items: readonly Value[], count: number, fill: JsonValue): Value {
  if (count < 1 || count > MAX_ITEMS) throw new ValueError(`the count is a number from 1 to ${MAX_ITEMS}`);
  const rows: Value[][] = [];
  for (let i = 0; i < items.length; i += count) rows.push(items.slice(i, i + count));
  const last = rows.at(-1);
  if (last && fill !== null) while (last.length < count) last.push(fill);
  return rows as Value;
}
