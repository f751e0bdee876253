import { isJsonObject } from '../json.ts';
import type { JsonValue } from '../types.ts';
import { childNames } from './lint/names.ts';
import { errorTargets, type MachineView, type StateView, viewMachines } from './lint/view.ts';

/** One state of a graph. */
export interface GraphNode {
  readonly id: string;
  readonly initial: boolean;
  readonly final: boolean;
  /** What the state does, e.g. `action: verify`; empty when it only branches. */
  readonly work: string;
  /** What sets it apart: it calls an agent, it waits for a signal. */
  readonly marks: readonly GraphMark[];
}

/** See {@link GraphNode.marks}. */
export type GraphMark = 'agent' | 'wait_for';

/** One arrow of a graph. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: 'transition' | 'error';
  /** The condition, or the error type; null = always, or any error. */
  readonly label: string | null;
}

/** A state that runs a child machine. */
export interface GraphCall {
  /** The state. */
  readonly from: string;
  /** The child's name. */
  readonly to: string;
  readonly kind: 'run' | 'launch';
  /** `foreach`, `any`, `launch`, or several of them; null = one child that is waited for. */
  readonly label: string | null;
}

/** A child machine: drawn here, or only named because it is drawn elsewhere. */
export type GraphChild =
  | { readonly name: string; readonly graph: MachineGraph }
  /** `same_as`: the names that lead to it from the root; empty for the root itself. null = it could not be read. */
  | { readonly name: string; readonly same_as: readonly string[] | null };

/** A machine's states and arrows as data. Arrows to states, and calls of children, that do not exist are left out. */
export interface MachineGraph {
  readonly name: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly calls: readonly GraphCall[];
  /** In file order. Each machine is drawn once, also when it runs itself. */
  readonly children: readonly GraphChild[];
}

/** What a graph is made from: a compiled machine, a tree of loaded ones, or one loaded machine, whose children are then only named. */
export interface GraphSource {
  readonly config: JsonValue;
  readonly name?: string;
  readonly defaultName?: string;
  readonly machines?: ReadonlyMap<string, GraphSource>;
}

/** The graph of a machine with its children; that of a broken one holds what can be made out. */
export function machineGraph(machine: GraphSource): MachineGraph {
  return toGraph(machine, [], new Map());
}

function toGraph(
  machine: GraphSource,
  path: readonly string[],
  drawn: Map<GraphSource, readonly string[]>,
): MachineGraph {
  drawn.set(machine, path);
  const view = isJsonObject(machine.config) ? viewMachines(machine.config)[0] : undefined;
  const own = typeof view?.data.name === 'string' ? view.data.name : undefined;
  const name = machine.name ?? own ?? machine.defaultName ?? 'machine';
  if (!view) return { name, nodes: [], edges: [], calls: [], children: [] };
  const states = [...view.states.values()];
  const machines = isJsonObject(view.data.machines) ? Object.keys(view.data.machines) : [];
  return {
    name,
    nodes: states.map((state) => toNode(view, state)),
    edges: states.flatMap((state) => toEdges(view, state)),
    calls: states.flatMap(toCalls).filter(({ to }) => machines.includes(to)),
    children: machines.map((child): GraphChild => {
      const source = machine.machines?.get(child);
      const known = source && drawn.get(source);
      if (source === undefined || known !== undefined) return { name: child, same_as: known ?? null };
      return { name: child, graph: toGraph(source, [...path, child], drawn) };
    }),
  };
}

function toCalls(state: StateView): GraphCall[] {
  const { foreach, mode } = state.fields;
  const words = [foreach === undefined ? [] : ['foreach'], mode === 'any' ? ['any'] : []].flat();
  return childNames(state).map(({ name, field }) => {
    const launch = field === 'launch';
    const label = launch ? 'launch' : words.join(', ') || null;
    return { from: state.name, to: name, kind: launch ? 'launch' : 'run', label };
  });
}

/** What stands for a child that is not drawn here. */
export function childText(child: GraphChild): string {
  if ('graph' in child)
    return child.graph.name === child.name ? child.name : `${child.name}: ${child.graph.name}`;
  if (child.same_as === null) return `${child.name} (elsewhere)`;
  return `${child.name} (see ${child.same_as.length === 0 ? 'the top' : child.same_as.join(' / ')})`;
}

/** What stands at an arrow: the condition, or the error. */
export function edgeText(edge: GraphEdge): string {
  if (edge.kind === 'transition') return edge.label ?? '';
  return edge.label === null ? 'on error' : `on ${edge.label}`;
}

const MARKS = ['agent', 'wait_for'] as const;

const WORK = ['action', 'launch', 'wait_for', 'machine', 'agent'];

function toNode(view: MachineView, state: StateView): GraphNode {
  const work = WORK.filter((field) => state.fields[field] !== undefined).map(
    (field) => `${field}: ${workName(state.fields[field] as JsonValue)}`,
  );
  return {
    id: state.name,
    initial: view.initials[0] === state,
    final: state.final,
    work: work.join(', '),
    marks: MARKS.filter((mark) => state.fields[mark] !== undefined),
  };
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
