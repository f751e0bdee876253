import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { isJsonObject } from '../../json.ts';
import type { JsonValue } from '../../types.ts';
import type { ConfigPath } from '../source-map.ts';
import type { Report } from './report.ts';
import { entries, type MachineView, type StateView } from './view.ts';

/** Rules `unknown-agent`, `unknown-machine`, `missing-file`. */
export function checkNames(report: Report, machine: MachineView): void {
  const agents = new Set(entries(machine.data.agents).map(([name]) => name));
  const machines = new Set(entries(machine.data.machines).map(([name]) => name));
  for (const state of machine.states.values()) {
    const agent = state.fields.agent;
    if (typeof agent === 'string' && !agents.has(agent)) {
      const message = `state "${state.name}" calls the agent "${agent}", which is not under \`agents\``;
      report.add('unknown-agent', [...state.path, 'agent'], message, { remedy: report.meant(agent, agents) });
    }
    for (const { name, path } of machineNames(state)) {
      if (machines.has(name)) continue;
      const message = `state "${state.name}" runs the machine "${name}", which is not under \`machines\``;
      report.add('unknown-machine', path, message, { remedy: report.meant(name, machines) });
    }
  }
  for (const [what, file, path] of namedFiles(machine)) checkFile(report, what, file, path);
}

function machineNames(state: StateView): { name: string; path: ConfigPath }[] {
  return ['machine', 'launch'].flatMap((field) => {
    const value = state.fields[field];
    const path = [...state.path, field];
    if (typeof value === 'string') return [{ name: value, path }];
    if (!Array.isArray(value)) return [];
    return value.flatMap((item, i) => {
      if (typeof item === 'string') return [{ name: item, path: [...path, i] }];
      return isJsonObject(item) && typeof item.name === 'string'
        ? [{ name: item.name, path: [...path, i, 'name'] }]
        : [];
    });
  });
}

/** Every path to a file that the machine names. */
function namedFiles({
  data,
  path,
}: MachineView): [what: string, file: JsonValue | undefined, path: ConfigPath][] {
  const settings = isJsonObject(data.settings) ? data.settings : {};
  const found: [string, JsonValue | undefined, ConfigPath][] = [
    ['profiles', data.profiles, [...path, 'profiles']],
    ['profiles', settings.profiles, [...path, 'settings', 'profiles']],
  ];
  for (const [name, agent] of entries(data.agents)) {
    const at = [...path, 'agents', name];
    if (!isJsonObject(agent)) found.push([`agent "${name}"`, agent, at]);
    else if (agent.type === 'flatagent') found.push([`agent "${name}"`, agent.ref, [...at, 'ref']]);
  }
  for (const [name, child] of entries(data.machines)) {
    const at = [...path, 'machines', name];
    if (isJsonObject(child)) found.push([`machine "${name}"`, child.path, [...at, 'path']]);
    else found.push([`machine "${name}"`, child, at]);
  }
  return found;
}

function checkFile(report: Report, what: string, file: JsonValue | undefined, path: ConfigPath): void {
  if (typeof file !== 'string' || file.includes('://')) return;
  if (!existsSync(resolve(report.loaded.dir, file))) {
    report.add('missing-file', path, `the file of ${what}, ${file}, does not exist`);
  }
}
