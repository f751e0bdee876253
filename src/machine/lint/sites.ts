import { isJsonObject } from '../../json.ts';
import type { JsonValue } from '../../types.ts';
import { itemNames } from '../dialect.ts';
import type { ConfigPath } from '../source-map.ts';
import type { MachineView, StateView } from './view.ts';

/** A text that the engine renders or evaluates. */
export interface Site {
  readonly path: ConfigPath;
  readonly source: string;
  readonly kind: 'template' | 'condition';
  /** The state it belongs to; null = it runs before there is a context. */
  readonly state: StateView | null;
  /** The field of the state. */
  readonly field: string;
  /** Names it may use beside `context`, `input` and `output`. */
  readonly names: readonly string[];
}

/** Fields of a state that are rendered, at any depth. */
const RENDERED = [
  'input',
  'output_to_context',
  'output',
  'launch_input',
  'wait_for',
  'foreach',
  'key',
  'session_id',
];

/** Those of them that are rendered once per item of a foreach. */
const PER_ITEM = ['input', 'key', 'machine'];

/** Every template and condition of a machine. */
export function findSites(machine: MachineView): Site[] {
  const sites: Site[] = [];
  addTemplates(sites, machine.data.context, {
    path: [...machine.path, 'context'],
    state: null,
    field: 'context',
    names: [],
  });
  for (const state of machine.states.values()) {
    const { machine: children } = state.fields;
    const perItem = itemNames(state.fields);
    const add = (field: string, value: JsonValue | undefined, path: ConfigPath) =>
      addTemplates(sites, value, { path, state, field, names: PER_ITEM.includes(field) ? perItem : [] });
    for (const field of RENDERED) add(field, state.fields[field], [...state.path, field]);
    if (Array.isArray(children)) {
      children.forEach((child, i) => {
        if (isJsonObject(child)) add('machine', child.input, [...state.path, 'machine', i, 'input']);
      });
    }
    for (const { condition, path } of state.transitions) {
      if (typeof condition !== 'string') continue;
      const at = [...path, 'condition'];
      sites.push({ path: at, source: condition, kind: 'condition', state, field: 'transitions', names: [] });
    }
  }
  return sites;
}

/** The texts in a value, at any depth. */
function addTemplates(
  sites: Site[],
  value: JsonValue | undefined,
  around: Omit<Site, 'source' | 'kind'>,
): void {
  const { path } = around;
  if (typeof value === 'string') sites.push({ ...around, source: value, kind: 'template' });
  else if (Array.isArray(value)) {
    value.forEach((item, i) => {
      addTemplates(sites, item, { ...around, path: [...path, i] });
    });
  } else if (isJsonObject(value)) {
    for (const key of Object.keys(value))
      addTemplates(sites, value[key], { ...around, path: [...path, key] });
  }
}
