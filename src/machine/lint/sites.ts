import { isJsonObject } from '../../json.ts';
import type { JsonValue } from '../../types.ts';
import type { ConfigPath } from '../source-map.ts';
import type { MachineView } from './view.ts';

/** A text that the engine renders or evaluates. */
export interface Site {
  readonly path: ConfigPath;
  readonly source: string;
  readonly kind: 'template' | 'condition';
  /** Whether it runs before there is a context. */
  readonly initial: boolean;
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

/** Every template and condition of a machine. */
export function findSites(machine: MachineView): Site[] {
  const sites: Site[] = [];
  const template = (value: JsonValue | undefined, path: ConfigPath, initial: boolean): void => {
    if (typeof value === 'string') sites.push({ path, source: value, kind: 'template', initial });
    else if (Array.isArray(value))
      value.forEach((item, i) => {
        template(item, [...path, i], initial);
      });
    else if (isJsonObject(value)) {
      for (const key of Object.keys(value)) template(value[key], [...path, key], initial);
    }
  };
  template(machine.data.context, [...machine.path, 'context'], true);
  for (const state of machine.states.values()) {
    for (const field of RENDERED) template(state.fields[field], [...state.path, field], false);
    const children = state.fields.machine;
    if (Array.isArray(children)) {
      children.forEach((child, i) => {
        if (isJsonObject(child)) template(child.input, [...state.path, 'machine', i, 'input'], false);
      });
    }
    for (const { condition, path } of state.transitions) {
      if (typeof condition !== 'string') continue;
      sites.push({ path: [...path, 'condition'], source: condition, kind: 'condition', initial: false });
    }
  }
  return sites;
}
