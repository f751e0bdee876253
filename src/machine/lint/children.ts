import { isJsonObject } from '../../json.ts';
import { childNames } from './names.ts';
import type { Report } from './report.ts';
import { entries, type MachineView, type StateView } from './view.ts';

/** Names that mean something in every template, or in the grammar of templates and expressions. */
const RESERVED = new Set(
  'context input output index loop now true false none null True False None and or not in is if else elif for set'.split(
    ' ',
  ),
);

/** Rules `foreach-several-machines`, `duplicate-child`, `reserved-name`; `missing-field` of an entry of `machines`. */
export function checkChildren(report: Report, machine: MachineView): void {
  for (const [name, child] of entries(machine.data.machines)) {
    if (!isJsonObject(child) || ['path', 'inline', 'data'].some((field) => child[field] !== undefined))
      continue;
    report.add(
      'missing-field',
      [...machine.path, 'machines', name],
      `machine "${name}" needs the field "path" or "data"`,
      {
        part: 'key',
      },
    );
  }
  for (const state of machine.states.values()) {
    checkList(report, state);
    const { as } = state.fields;
    if (typeof as === 'string' && RESERVED.has(as)) {
      const message = `the item of state "${state.name}" cannot be called "${as}", which means something else`;
      report.add('reserved-name', [...state.path, 'as'], message);
    }
  }
}

function checkList(report: Report, state: StateView): void {
  const { machine, foreach } = state.fields;
  if (!Array.isArray(machine)) return;
  const path = [...state.path, 'machine'];
  if (foreach !== undefined && machine.length > 1) {
    const message = `\`foreach\` of state "${state.name}" runs one machine per item, not ${machine.length}`;
    report.add('foreach-several-machines', path, message, { part: 'key' });
  }
  const seen = new Set<string>();
  for (const { name, field, path: at } of childNames(state)) {
    if (field !== 'machine') continue;
    if (seen.has(name)) {
      const message = `state "${state.name}" runs the machine "${name}" twice, under one name`;
      report.add('duplicate-child', at, message);
    }
    seen.add(name);
  }
}
