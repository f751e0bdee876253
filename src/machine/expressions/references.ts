import type { Arguments, Expression, Node } from './ast.ts';
import { celPaths } from './cel-words.ts';
import { tokenize } from './lexer.ts';
import { ExpressionParser } from './parser.ts';
import { parseSimple } from './simple.ts';
import { Source } from './source.ts';
import { isBarePath, isTemplate } from './template.ts';
import { parseTemplate } from './template-parser.ts';

/** What a template or expression reads. */
export interface References {
  /** Each path once, e.g. `['context', 'user', 'name']`; a path ends where a part is not written out. */
  readonly paths: string[][];
}

/**
 * The names that a template or expression reads, for the linter. Names that a template makes itself are left out, and of
 * CEL only what starts at a name of the scope is listed.
 * @throws FlatMachineError as the compiler of the same text does, when it cannot be parsed
 */
export function references(source: string, kind: 'template' | 'simple' | 'cel'): References {
  const place = new Source(
    source,
    { file: '', line: 1, column: 1 },
    kind === 'template' ? 'template-error' : 'expression-error',
  );
  if (kind === 'cel') return distinct(celPaths(place));
  const reader = new Reader();
  if (kind === 'simple') reader.expression(parseSimple(place));
  else if (isBarePath(source)) {
    reader.expression(new ExpressionParser(place, 'simple', tokenize(place, 0, null)).expression());
  } else if (isTemplate(source)) reader.nodes(parseTemplate(place));
  return distinct(reader.paths);
}

function distinct(paths: string[][]): References {
  return { paths: [...new Map(paths.map((path) => [JSON.stringify(path), path])).values()] };
}

/** Walks a tree and collects paths. */
class Reader {
  readonly paths: string[][] = [];
  /** Names made by the template, so far. */
  readonly #made = new Set<string>();

  nodes(nodes: readonly Node[]): void {
    for (const node of nodes) this.#node(node);
  }

  #node(node: Node): void {
    switch (node.kind) {
      case 'text':
        break;
      case 'output':
        this.expression(node.expression);
        break;
      case 'if':
        for (const { test, body } of node.branches) {
          this.expression(test);
          this.nodes(body);
        }
        this.nodes(node.otherwise);
        break;
      case 'for':
        this.expression(node.items);
        for (const name of [...node.targets, 'loop']) this.#made.add(name);
        if (node.condition) this.expression(node.condition);
        this.nodes(node.body);
        this.nodes(node.otherwise);
        break;
      case 'set':
        this.expression(node.value);
        for (const name of node.targets) this.#made.add(name);
        break;
      case 'capture':
        this.nodes(node.body);
        this.#made.add(node.target);
        break;
    }
  }

  expression(node: Expression): void {
    const path = pathOf(node);
    if (!path) for (const part of partsOf(node)) this.expression(part);
    else if (!this.#made.has(path[0]!)) this.paths.push(path);
  }
}

/** The path that the node is; null when it is something else. */
function pathOf(node: Expression): string[] | null {
  if (node.kind === 'name') return [node.name];
  if (node.kind === 'member') return longer(node.object, node.key);
  if (node.kind === 'index' && node.index.kind === 'literal')
    return longer(node.object, String(node.index.value));
  return null;
}

function longer(object: Expression, key: string): string[] | null {
  const path = pathOf(object);
  return path && [...path, key];
}

/** The expressions right inside an expression. */
function partsOf(node: Expression): readonly Expression[] {
  switch (node.kind) {
    case 'literal':
    case 'name':
      return [];
    case 'member':
      return [node.object];
    case 'index':
      return [node.object, node.index];
    case 'slice':
      return [node.object, ...node.bounds.filter((bound) => bound !== null)];
    case 'negate':
    case 'plus':
    case 'not':
      return [node.operand];
    case 'binary':
      return [node.left, node.right];
    case 'compare':
      return [node.first, ...node.rest.map(({ right }) => right)];
    case 'logic':
    case 'list':
      return node.items;
    case 'conditional':
      return [node.test, node.consequent, ...(node.otherwise ? [node.otherwise] : [])];
    case 'map':
      return node.entries.flat();
    case 'call':
      return argumentsOf(node.args);
    case 'filter':
    case 'test':
    case 'method':
      return [node.object, ...argumentsOf(node.args)];
  }
}

function argumentsOf(args: Arguments): Expression[] {
  return [...args.positional, ...args.named.map(([, value]) => value)];
}
