import { isJsonObject } from '../json.ts';
import type { JsonValue } from '../types.ts';
import { errorTargets, type MachineView, type StateView, viewMachines } from './lint/view.ts';

/** One state of a graph. */
export interface GraphNode {
  readonly id: string;
  readonly initial: boolean;
  readonly final: boolean;
  /** What the state does, e.g. `action: verify`; empty when it only branches. */
  readonly work: string;
}

/** One arrow of a graph. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: 'transition' | 'error';
  /** The condition, or the error type; null = always, or any error. */
  readonly label: string | null;
}

/** A machine's states and arrows as data. Arrows to states that do not exist are left out. */
export interface MachineGraph {
  readonly name: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** The graph of a machine, loaded or compiled; that of a broken one holds what can be made out. */
export function machineGraph(machine: {
  readonly config: JsonValue;
  readonly name?: string;
  readonly defaultName?: string;
}): MachineGraph {
  const view = isJsonObject(machine.config) ? viewMachines(machine.config)[0] : undefined;
  const own = typeof view?.data.name === 'string' ? view.data.name : undefined;
  const name = machine.name ?? own ?? machine.defaultName ?? 'machine';
  if (!view) return { name, nodes: [], edges: [] };
  const states = [...view.states.values()];
  return {
    name,
    nodes: states.map((state) => toNode(view, state)),
    edges: states.flatMap((state) => toEdges(view, state)),
  };
}

/** What stands at an arrow: the condition, or the error. */
export function edgeText(edge: GraphEdge): string {
  if (edge.kind === 'transition') return edge.label ?? '';
  return edge.label === null ? 'on error' : `on ${edge.label}`;
}

const WORK = ['action', 'launch', 'wait_for', 'machine', 'agent'];

function toNode(view: MachineView, state: StateView): GraphNode {
  const work = WORK.filter((field) => state.fields[field] !== undefined).map(
    (field) => `${field}: ${workName(state.fields[field] as JsonValue)}`,
  );
  return { id: state.name, initial: view.initials[0] === state, final: state.final, work: work.join(', ') };
}

function workName(value: JsonValue): string {
  if (Array.isArray(value)) return value.map(workName).join(', ');
  return isJsonObject(value) ? String(value.name) : String(value);
}

function toEdges(view: MachineView, state: StateView): GraphEdge[] {
  const edges: GraphEdge[] = [];
  if (!state.final) {
    for (const { to, condition } of state.transitions) {
      const label = condition === null || condition === true ? null : String(condition);
      if (to !== null) edges.push({ from: state.name, to, kind: 'transition', label });
    }
  }
  for (const { to, path } of errorTargets(state)) {
    const type = path.at(-1);
    const label = type === 'on_error' || type === 'default' ? null : String(type);
    edges.push({ from: state.name, to, kind: 'error', label });
  }
  return edges.filter((edge) => view.states.has(edge.to));
}
