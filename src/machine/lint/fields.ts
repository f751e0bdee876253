import { isJsonObject } from '../../json.ts';
import type { JsonValue } from '../../types.ts';
import { BACKEND_NAMES } from '../backend-names.ts';
import type { ConfigPath } from '../source-map.ts';
import type { Report } from './report.ts';
import { entries, type MachineView, type StateView } from './view.ts';

/** Fields of a state that do nothing without one of others. */
const NEEDS: readonly [field: string, ...owners: string[]][] = [
  ['as', 'foreach'],
  ['key', 'foreach'],
  ['max_concurrency', 'foreach'],
  ['mode', 'machine', 'foreach'],
  ['launch_input', 'launch'],
  ['execution', 'agent'],
  ['sampling', 'agent'],
  ['tool_loop', 'agent'],
  ['session_id', 'agent'],
];

/** Rules `foreach-without-machine`, `stray-field`, `bad-timeout`, and names of backends (`bad-value`). */
export function checkFields(report: Report, machine: MachineView): void {
  for (const state of machine.states.values()) {
    checkOwners(report, state);
    checkTimeout(report, state);
  }
  const { data, path } = machine;
  const backends = isJsonObject(data.settings) ? data.settings.backends : undefined;
  for (const [role, value] of entries(backends)) {
    checkTechnology(report, role, value, [...path, 'settings', 'backends', role]);
  }
  if (isJsonObject(data.persistence)) {
    checkTechnology(report, 'persistence', data.persistence.backend, [...path, 'persistence', 'backend']);
  }
}

function checkOwners(report: Report, state: StateView): void {
  const { fields } = state;
  const has = (field: string): boolean => Object.hasOwn(fields, field);
  if (has('foreach') && !has('machine')) {
    report.add(
      'foreach-without-machine',
      [...state.path, 'foreach'],
      `state "${state.name}" has \`foreach\` but no \`machine\``,
      {
        part: 'key',
      },
    );
  }
  for (const [field, ...owners] of NEEDS) {
    if (has(field) && !owners.some(has)) stray(report, state, field, `\`${owners.join('` or `')}\``);
  }
  if (has('output') && !state.final) stray(report, state, 'output', '`type: final`');
}

function stray(report: Report, state: StateView, field: string, owner: string): void {
  const message = `\`${field}\` of state "${state.name}" does nothing without ${owner}`;
  report.add('stray-field', [...state.path, field], message, { part: 'key' });
}

function checkTimeout(report: Report, state: StateView): void {
  const { timeout } = state.fields;
  if (typeof timeout !== 'number' || timeout > 0) return;
  report.add('bad-timeout', [...state.path, 'timeout'], `the timeout of state "${state.name}" is ${timeout}`);
}

function checkTechnology(report: Report, role: string, value: JsonValue | undefined, path: ConfigPath): void {
  const known = Object.hasOwn(BACKEND_NAMES, role) ? BACKEND_NAMES[role] : undefined;
  if (!known || typeof value !== 'string' || known.includes(value) || /^[a-z][a-z0-9+.-]*:/i.test(value))
    return;
  const remedy = report.meant(value, known) ?? `Use ${known.join(', ')}, or a URL such as sqlite:./runs.db.`;
  report.add('bad-value', path, `"${value}" is no backend that keeps ${role}`, { remedy });
}
