import { isJsonObject } from '../../json.ts';
import type { ConfigPath } from '../source-map.ts';
import type { Report } from './report.ts';
import { entries, type MachineView, type StateView } from './view.ts';

/** Rules `unknown-agent`, `unknown-machine`. */
export function checkNames(report: Report, machine: MachineView): void {
  const agents = new Set(entries(machine.data.agents).map(([name]) => name));
  const machines = new Set(entries(machine.data.machines).map(([name]) => name));
  for (const state of machine.states.values()) {
    const agent = state.fields.agent;
    if (typeof agent === 'string' && !agents.has(agent)) {
      const message = `state "${state.name}" calls the agent "${agent}", which is not under \`agents\``;
      report.add('unknown-agent', [...state.path, 'agent'], message, { remedy: report.meant(agent, agents) });
    }
    for (const { name, path } of childNames(state)) {
      if (machines.has(name)) continue;
      const message = `state "${state.name}" runs the machine "${name}", which is not under \`machines\``;
      report.add('unknown-machine', path, message, { remedy: report.meant(name, machines) });
    }
  }
}

/** A machine that a state names, and where. */
export interface ChildName {
  readonly name: string;
  /** The field that names it: it is waited for, or not. */
  readonly field: 'machine' | 'launch';
  readonly path: ConfigPath;
}

/** The machines that a state runs or launches. */
export function childNames(state: StateView): ChildName[] {
  return (['machine', 'launch'] as const).flatMap((field) => {
    const value = state.fields[field];
    const path = [...state.path, field];
    if (typeof value === 'string') return [{ name: value, field, path }];
    if (!Array.isArray(value)) return [];
    return value.flatMap((item, i) => {
      if (typeof item === 'string') return [{ name: item, field, path: [...path, i] }];
      return isJsonObject(item) && typeof item.name === 'string'
        ? [{ name: item.name, field, path: [...path, i, 'name'] }]
        : [];
    });
  });
}
