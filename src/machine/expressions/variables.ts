import type { Node } from './ast.ts';

/** Where a variable of an inner scope takes its first value from: the same name outside, or the scope's locals. */
export interface Inherited {
  readonly name: string;
  readonly slot: number;
  readonly from: number | null;
}

/**
 * The variables of a template. Every name gets a numbered place when its scope is entered, so that a running template
 * looks nothing up by name. The template as a whole is a scope, and so is the body of each loop.
 */
export class Variables {
  readonly #scopes: Map<string, number>[] = [];
  #count = 0;

  /** Places that a frame must have. */
  get count(): number {
    return this.#count;
  }

  /** Opens a scope in which `names` are assigned; until they are, they hold what they hold outside. */
  enter(names: readonly string[]): Inherited[] {
    const scope = new Map<string, number>();
    const inherited: Inherited[] = [];
    for (const name of names) {
      if (scope.has(name)) continue;
      const slot = this.#count++;
      inherited.push({ name, slot, from: this.slot(name) ?? null });
      scope.set(name, slot);
    }
    this.#scopes.push(scope);
    return inherited;
  }

  /** Closes the innermost scope. */
  leave(): void {
    this.#scopes.pop();
  }

  /** The place of a name, the innermost first; undefined when no template variable has it. */
  slot(name: string): number | undefined {
    for (let i = this.#scopes.length - 1; i >= 0; i--) {
      const slot = this.#scopes[i]!.get(name);
      if (slot !== undefined) return slot;
    }
    return undefined;
  }

  /** The place of a name that is assigned in the innermost scope. */
  declare(name: string): number {
    return this.#scopes.at(-1)!.get(name)!;
  }
}

/** The names that `nodes` assign in their own scope: those of inner loops are not among them. */
export function assignedIn(nodes: readonly Node[]): string[] {
  return nodes.flatMap((node) => {
    switch (node.kind) {
      case 'set':
        return node.targets;
      case 'capture':
        return [node.target, ...assignedIn(node.body)];
      case 'if':
        return [...node.branches.flatMap(({ body }) => assignedIn(body)), ...assignedIn(node.otherwise)];
      case 'for':
        return assignedIn(node.otherwise);
      default:
        return [];
    }
  });
}
