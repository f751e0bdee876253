import type { JsonValue } from '../../types.ts';

/** Arguments of a filter, test or call. */
export interface Arguments {
  readonly positional: readonly Expression[];
  readonly named: readonly (readonly [name: string, value: Expression])[];
}

/** The comparison operators. */
export type Comparator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in';

/** The arithmetic operators. */
export type Operator = '+' | '-' | '*' | '/' | '//' | '%' | '**' | '~';

/** One step of a comparison chain such as `0 < x < 10`. */
export interface Comparison {
  readonly operator: Comparator;
  readonly right: Expression;
  readonly at: number;
}

/** An expression as parsed; `at` is its offset in the source. */
export type Expression = { readonly at: number } & (
  | { readonly kind: 'literal'; readonly value: JsonValue }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'member'; readonly object: Expression; readonly key: string }
  | { readonly kind: 'index'; readonly object: Expression; readonly index: Expression }
  | {
      readonly kind: 'slice';
      readonly object: Expression;
      readonly bounds: readonly (Expression | null)[];
    }
  | { readonly kind: 'negate' | 'plus' | 'not'; readonly operand: Expression }
  | {
      readonly kind: 'binary';
      readonly operator: Operator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'compare'; readonly first: Expression; readonly rest: readonly Comparison[] }
  | { readonly kind: 'logic'; readonly operator: 'and' | 'or'; readonly items: readonly Expression[] }
  | {
      readonly kind: 'conditional';
      readonly test: Expression;
      readonly consequent: Expression;
      readonly otherwise: Expression | null;
    }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [key: Expression, value: Expression])[] }
  | { readonly kind: 'filter'; readonly object: Expression; readonly name: string; readonly args: Arguments }
  | {
      readonly kind: 'test';
      readonly object: Expression;
      readonly name: string;
      readonly args: Arguments;
      readonly negated: boolean;
    }
  | { readonly kind: 'call'; readonly name: string; readonly args: Arguments }
  | { readonly kind: 'method'; readonly object: Expression; readonly name: string; readonly args: Arguments }
);

/** What is assigned to: one name, or several that a list is spread over. */
export type Targets = readonly string[];

/** A piece of a template. */
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'output'; readonly expression: Expression }
  | {
      readonly kind: 'if';
      readonly branches: readonly { readonly test: Expression; readonly body: readonly Node[] }[];
      readonly otherwise: readonly Node[];
    }
  | {
      readonly kind: 'for';
      readonly at: number;
      readonly targets: Targets;
      readonly items: Expression;
      readonly condition: Expression | null;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    }
  | { readonly kind: 'set'; readonly at: number; readonly targets: Targets; readonly value: Expression }
  | { readonly kind: 'capture'; readonly target: string; readonly body: readonly Node[] };
