import type { GraphEdge, MachineGraph } from './graph.ts';

/** A placed state: its middle, and its size. Pixels. */
export interface PlacedNode {
  readonly id: string;
  x: number;
  y: number;
  readonly width: number;
  readonly height: number;
}

/** An arrow with the points it runs through, from border to border. */
export interface PlacedEdge {
  readonly edge: GraphEdge;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** A graph laid out. */
export interface Layout {
  readonly nodes: ReadonlyMap<string, PlacedNode>;
  readonly edges: readonly PlacedEdge[];
  readonly width: number;
  readonly height: number;
}

/** A place in a row: a state, or where a long arrow passes. */
interface Slot {
  readonly node: PlacedNode | null;
  readonly width: number;
  x: number;
  readonly row: number;
  readonly above: Slot[];
  readonly below: Slot[];
}

const GAP_X = 48;
const GAP_Y = 72;
const MARGIN = 32;
const SWEEPS = 4;

/**
 * Lays a graph out in rows, each state below those that first lead to it; crossings are lessened by ordering each row by the mean
 * place of its neighbours. Time grows with the length of all arrows.
 * @param size the size of a state's box, pixels
 */
export function layoutGraph(
  graph: Pick<MachineGraph, 'nodes' | 'edges'>,
  size: (id: string) => { width: number; height: number },
): Layout {
  const rank = rankNodes(graph);
  const slots = new Map<string, Slot>();
  const rows: Slot[][] = [];
  const place = (slot: Slot): Slot => {
    while (rows.length <= slot.row) rows.push([]);
    rows[slot.row]?.push(slot);
    return slot;
  };
  for (const { id } of graph.nodes) {
    const node: PlacedNode = { id, x: 0, y: 0, ...size(id) };
    const row = rank.get(id) as number;
    slots.set(id, place({ node, width: node.width, x: 0, row, above: [], below: [] }));
  }
  const chains = graph.edges.map((edge) =>
    chain(slots.get(edge.from) as Slot, slots.get(edge.to) as Slot, place),
  );
  order(rows);
  const width = assignX(rows);
  const y = assignY(rows);
  const edges = graph.edges.map((edge, i) => ({
    edge,
    points: route(chains[i] as Slot[], y, edge.kind === 'error'),
  }));
  const nodes = new Map<string, PlacedNode>();
  for (const { node, x, row } of slots.values()) {
    if (node) nodes.set(node.id, { ...node, x, y: y[row] as number });
  }
  return { nodes, edges, width: width + 3 * MARGIN, height: (y.at(-1) ?? 0) + 100 };
}

/** Breadth first along the arrows, transitions before errors; what nothing reaches comes last. */
function rankNodes(graph: Pick<MachineGraph, 'nodes' | 'edges'>): Map<string, number> {
  const next = new Map<string, string[]>(graph.nodes.map((node) => [node.id, []]));
  for (const kind of ['transition', 'error'] as const) {
    for (const edge of graph.edges) if (edge.kind === kind) next.get(edge.from)?.push(edge.to);
  }
  const rank = new Map<string, number>();
  const roots = [...graph.nodes.filter((node) => node.initial), ...graph.nodes];
  for (const root of roots) {
    if (rank.has(root.id)) continue;
    rank.set(root.id, 0);
    const queue = [root.id];
    for (const id of queue) {
      for (const target of next.get(id) ?? []) {
        if (rank.has(target)) continue;
        rank.set(target, (rank.get(id) as number) + 1);
        queue.push(target);
      }
    }
  }
  return rank;
}

/** The slots an arrow passes, from its state to its target; one per row between. */
function chain(from: Slot, to: Slot, place: (slot: Slot) => Slot): Slot[] {
  const path = [from];
  const step = Math.sign(to.row - from.row);
  for (let row = from.row + step; step !== 0 && row !== to.row; row += step) {
    path.push(place({ node: null, width: 12, x: 0, row, above: [], below: [] }));
  }
  path.push(to);
  for (let i = 1; i < path.length; i++) {
    const [a, b] = [path[i - 1] as Slot, path[i] as Slot];
    if (a.row === b.row) continue;
    const [upper, lower] = a.row < b.row ? [a, b] : [b, a];
    upper.below.push(lower);
    lower.above.push(upper);
  }
  return path;
}

function order(rows: Slot[][]): void {
  const index = new Map<Slot, number>();
  const number = (row: Slot[]): void =>
    row.forEach((slot, i) => {
      index.set(slot, i);
    });
  rows.forEach(number);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const down = sweep % 2 === 0;
    for (const row of down ? rows : [...rows].reverse()) {
      const weight = new Map(
        row.map((slot) => [slot, mean((down ? slot.above : slot.below).map((near) => index.get(near) ?? 0))]),
      );
      row.sort((a, b) => (weight.get(a) ?? index.get(a) ?? 0) - (weight.get(b) ?? index.get(b) ?? 0));
      number(row);
    }
  }
}

function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Rows are centred; the width of the widest is returned. */
function assignX(rows: Slot[][]): number {
  const widths = rows.map((row) => row.reduce((sum, slot) => sum + slot.width + GAP_X, -GAP_X));
  const widest = Math.max(0, ...widths);
  rows.forEach((row, i) => {
    let x = MARGIN + (widest - (widths[i] as number)) / 2;
    for (const slot of row) {
      slot.x = x + slot.width / 2;
      x += slot.width + GAP_X;
    }
  });
  return widest;
}

/** The middle of each row. */
function assignY(rows: Slot[][]): number[] {
  let y = MARGIN + 20;
  return rows.map((row) => {
    const height = Math.max(0, ...row.map((slot) => slot.node?.height ?? 0));
    const middle = y + height / 2;
    y += height + GAP_Y;
    return middle;
  });
}

/** Arrows that go back and those of errors run a little aside, so that they do not lie on the others between the same states. */
function route(path: readonly Slot[], y: readonly number[], error: boolean): [number, number][] {
  const from = path[0] as Slot;
  const to = path.at(-1) as Slot;
  const middle = (slot: Slot): number => y[slot.row] as number;
  const half = (slot: Slot): number => (slot.node?.height ?? 0) / 2;
  if (from === to) {
    const side = from.x + (from.width / 2) * (error ? -1 : 1);
    return [
      [side, middle(from) - 8],
      [side + (error ? -28 : 28), middle(from)],
      [side, middle(from) + 8],
    ];
  }
  const aside = (error ? 12 : 0) + (from.x > to.x && from.row === to.row ? 20 : 0);
  if (from.row === to.row) {
    const top = middle(from) - Math.max(half(from), half(to)) - 24;
    return [
      [from.x + aside, middle(from) - half(from)],
      [(from.x + to.x) / 2 + aside, top],
      [to.x + aside, middle(to) - half(to)],
    ];
  }
  const down = to.row > from.row;
  const shift = aside + (down ? 0 : 20);
  const inner = path.slice(1, -1).map((slot): [number, number] => [slot.x, middle(slot)]);
  return [
    [from.x + shift, middle(from) + (down ? half(from) : -half(from))],
    ...inner,
    [to.x + shift, middle(to) + (down ? -half(to) : half(to))],
  ];
}
