/** A node of the library's syntax tree, as far as we look into it. */
export interface CelNode {
  readonly op: string;
  readonly args: unknown;
  readonly start: number;
  readonly meta: {
    readonly evaluate: Evaluate;
    readonly alternate?: unknown;
    readonly macro?: object;
  };
  setMeta(key: 'evaluate', value: Evaluate): unknown;
}

/** What a macro that goes through a list becomes. */
export interface Comprehension {
  readonly iterable: unknown;
  readonly init: unknown;
  readonly step: CelNode;
  readonly errorsAreFatal: boolean;
  readonly condition?: (accumulated: unknown) => boolean;
}

type Evaluate = (evaluator: unknown, node: unknown, context: unknown) => unknown;

/** Every node of a checked expression, those that macros became included. */
export function celNodes(tree: unknown): CelNode[] {
  const nodes: CelNode[] = [];
  const seen = new Set<unknown>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    if (Array.isArray(value)) value.forEach(visit);
    else if (isNode(value)) {
      nodes.push(value);
      visit(value.meta.alternate);
      if (value.meta.macro) Object.values(value.meta.macro).forEach(visit);
      if (value.op === 'comprehension') {
        const { iterable, init, step } = value.args as Comprehension;
        [iterable, init, step].forEach(visit);
      } else visit(value.args);
    }
  };
  visit(tree);
  return nodes;
}

function isNode(value: object): value is CelNode {
  return 'op' in value && 'setMeta' in value;
}
