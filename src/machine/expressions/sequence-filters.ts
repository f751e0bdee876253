import { kindOf } from '../../json.ts';
import { FILTERS } from './filters.ts';
import type { Frame } from './frame.ts';
import { picker } from './list-filters.ts';
import type { Callable } from './signature.ts';
import { TESTS } from './tests.ts';
import { iterate, own, truth, type Value, ValueError } from './values.ts';

/** Filters that apply another filter or a test to each item. */
export const SEQUENCE_FILTERS: ReadonlyMap<string, Callable> = new Map<string, Callable>([
  [
    'map',
    { parameters: [], required: 0, rest: 'named', names: { argument: 0, kind: 'filter' }, apply: mapItems },
  ],
  ['select', selection(false, true)],
  ['reject', selection(false, false)],
  ['selectattr', selection(true, true)],
  ['rejectattr', selection(true, false)],
]);

/** `map(attribute='a', default=…)` or `map('filter', …)`. */
function mapItems(value: Value, [options, name, ...args]: readonly Value[], frame: Frame): Value {
  const items = iterate(value);
  if (name === undefined) {
    const attribute = own(options, 'attribute');
    if (attribute === undefined) throw new ValueError('`map` needs the name of a filter, or `attribute=`');
    const pick = picker(attribute);
    const absent = own(options, 'default');
    return items.map((item) => pick(item) ?? absent ?? null) as Value;
  }
  const filter = lookUp(FILTERS, name, 'filter');
  return items.map((item) => {
    frame.work(item);
    return filter.apply(item, args, frame) ?? null;
  }) as Value;
}

/** `select('test', …)`: without a test, those that are true. With `attr`, the first argument names what is tested. */
function selection(attr: boolean, keep: boolean): Callable {
  return {
    parameters: attr ? ['attribute'] : [],
    required: attr ? 1 : 0,
    rest: 'positional',
    names: { argument: attr ? 1 : 0, kind: 'test' },
    apply(value, args, frame) {
      const pick = attr ? picker(args[0]) : picker(undefined);
      const [name, ...rest] = attr ? args.slice(1) : args;
      const test = name === undefined ? null : lookUp(TESTS, name, 'test');
      const holds = (item: Value): boolean =>
        test ? test.apply(pick(item), rest, frame) === true : truth(pick(item));
      return iterate(value).filter((item) => holds(item) === keep) as Value;
    },
  };
}

function lookUp(table: ReadonlyMap<string, Callable>, name: Value, what: string): Callable {
  const found = typeof name === 'string' ? table.get(name) : undefined;
  if (!found)
    throw new ValueError(`there is no ${what} ${typeof name === 'string' ? `\`${name}\`` : kindOf(name)}`);
  return found;
}
