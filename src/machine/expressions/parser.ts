import type { Arguments, Comparator, Comparison, Expression, Operator } from './ast.ts';
import type { Token } from './lexer.ts';
import { MAX_NESTING } from './limits.ts';
import { type Dialect, RESERVED, TokenCursor } from './token-cursor.ts';

const LITERALS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['null', null],
  ['none', null],
  ['None', null],
]);

const COMPARATORS = new Set(['==', '!=', '<', '<=', '>', '>=']);

/** Operators of a level, loosest level first, per dialect. */
const LEVELS: Record<Dialect, readonly (readonly Operator[])[]> = {
  simple: [
    ['+', '-'],
    ['*', '/', '%'],
  ],
  template: [['+', '-'], ['~'], ['*', '/', '//', '%'], ['**']],
};

/** A parser of one list of tokens. Every level of nesting is counted, so that hostile input ends in an error. */
export class ExpressionParser extends TokenCursor {
  #depth = 0;

  /** A whole expression. With `conditional` false, `x if y` is not taken: a loop's own `if` follows. */
  expression(conditional = true): Expression {
    return this.#nested(() => {
      if (this.dialect === 'simple' || !conditional) return this.#logic('or');
      let result = this.#logic('or');
      for (let mark = this.accept('if'); mark; mark = this.accept('if')) {
        const test = this.#logic('or');
        const otherwise = this.accept('else') ? this.expression() : null;
        result = { kind: 'conditional', test, consequent: result, otherwise, at: mark.at };
        this.#grow();
      }
      return result;
    });
  }

  /** Comma-separated expressions; a single one without a comma is itself, several are a list. */
  tuple(): Expression {
    const first = this.expression();
    if (!this.accept(',')) return first;
    const items = [first];
    while (this.token.type !== 'end') {
      items.push(this.expression());
      if (!this.accept(',')) break;
    }
    return { kind: 'list', items, at: first.at };
  }

  /** Runs `parse` one level deeper and comes back to the present level. */
  #nested<T>(parse: () => T): T {
    const before = this.#depth;
    this.#grow();
    const result = parse();
    this.#depth = before;
    return result;
  }

  /** One level more: also of chains such as `a + a + …`, which evaluate recursively although they parse in a loop. */
  #grow(): void {
    if (++this.#depth > MAX_NESTING) {
      throw this.source.fail(
        `nested deeper than ${MAX_NESTING} levels`,
        this.token.at,
        'Split the expression.',
      );
    }
  }

  #logic(operator: 'and' | 'or'): Expression {
    const parse = operator === 'or' ? () => this.#logic('and') : () => this.#not();
    const first = parse();
    const items = [first];
    while (this.accept(operator)) items.push(parse());
    return items.length === 1 ? first : { kind: 'logic', operator, items, at: first.at };
  }

  #not(): Expression {
    const mark = this.accept('not');
    if (!mark) return this.#comparison();
    return this.#nested(() => ({ kind: 'not', operand: this.#not(), at: mark.at }));
  }

  #comparison(): Expression {
    const first = this.#binary(0);
    const rest: Comparison[] = [];
    for (let found = this.#comparator(); found; found = this.#comparator()) {
      rest.push({ operator: found.operator, right: this.#binary(0), at: found.at });
    }
    return rest.length === 0 ? first : { kind: 'compare', first, rest, at: first.at };
  }

  #comparator(): { operator: Comparator; at: number } | null {
    const { token } = this;
    if (token.type === 'operator' && COMPARATORS.has(token.text)) {
      this.advance();
      return { operator: token.text as Comparator, at: token.at };
    }
    if (this.accept('in')) return { operator: 'in', at: token.at };
    if (!this.accept('not')) return null;
    this.expect('in');
    return { operator: 'not in', at: token.at };
  }

  #binary(level: number): Expression {
    const operators = LEVELS[this.dialect][level];
    if (!operators) return this.#unary(true);
    const before = this.#depth;
    let left = this.#binary(level + 1);
    for (let mark = this.#oneOf(operators); mark; mark = this.#oneOf(operators)) {
      this.#grow();
      const right = this.#binary(level + 1);
      left = { kind: 'binary', operator: mark.text as Operator, left, right, at: mark.at };
    }
    this.#depth = before;
    return left;
  }

  #oneOf(operators: readonly Operator[]): Token | null {
    const { token } = this;
    if (token.type !== 'operator' || !operators.includes(token.text as Operator)) return null;
    this.advance();
    return token;
  }

  #unary(filters: boolean): Expression {
    const before = this.#depth;
    const sign = this.accept('-') ?? (this.dialect === 'template' ? this.accept('+') : null);
    let result: Expression = sign
      ? this.#nested(() => ({
          kind: sign.text === '-' ? 'negate' : 'plus',
          operand: this.#unary(false),
          at: sign.at,
        }))
      : this.#primary();
    result = this.#postfix(result);
    if (filters && this.dialect === 'template') result = this.#filters(result);
    this.#depth = before;
    return result;
  }

  #primary(): Expression {
    const { token } = this;
    const { at } = token;
    if (token.type === 'number' || token.type === 'string') {
      this.advance();
      return { kind: 'literal', value: token.value, at };
    }
    if (token.type === 'name' && !RESERVED.has(token.text)) {
      this.advance();
      const literal = LITERALS.get(token.text);
      return literal === undefined
        ? { kind: 'name', name: token.text, at }
        : { kind: 'literal', value: literal, at };
    }
    if (this.accept('(')) return this.#parenthesised(at);
    if (this.accept('[')) return { kind: 'list', items: this.#items(']'), at };
    if (this.dialect === 'template' && this.accept('{')) return this.#map(at);
    return this.unexpected('a value');
  }

  #parenthesised(at: number): Expression {
    if (this.dialect === 'template' && this.accept(')')) return { kind: 'list', items: [], at };
    const inner = this.expression();
    if (this.dialect === 'template' && this.accept(',')) {
      return { kind: 'list', items: [inner, ...this.#items(')')], at };
    }
    this.expect(')');
    return inner;
  }

  #items(close: string): Expression[] {
    const items: Expression[] = [];
    while (!this.accept(close)) {
      items.push(this.expression());
      if (!this.accept(',')) {
        this.expect(close);
        break;
      }
    }
    return items;
  }

  #map(at: number): Expression {
    const entries: [Expression, Expression][] = [];
    while (!this.accept('}')) {
      const key = this.expression();
      this.expect(':');
      entries.push([key, this.expression()]);
      if (!this.accept(',')) {
        this.expect('}');
        break;
      }
    }
    return { kind: 'map', entries, at };
  }

  #postfix(start: Expression): Expression {
    let result = start;
    for (;;) {
      const { token } = this;
      if (this.accept('.')) result = this.#member(result, token.at);
      else if (this.accept('[')) result = this.#subscript(result, token.at);
      else if (this.dialect === 'template' && this.accept('(')) result = this.#call(result, token.at);
      else return result;
      this.#grow();
    }
  }

  #member(object: Expression, at: number): Expression {
    const { token } = this;
    if (token.type === 'number' && Number.isInteger(token.value)) {
      this.advance();
      return { kind: 'index', object, index: { kind: 'literal', value: token.value, at: token.at }, at };
    }
    if (token.type !== 'name') this.unexpected('a name after `.`');
    this.advance();
    return { kind: 'member', object, key: token.text, at: token.at };
  }

  #subscript(object: Expression, at: number): Expression {
    const bounds: (Expression | null)[] = [null];
    for (;;) {
      if (this.dialect === 'template' && this.accept(':')) {
        if (bounds.push(null) > 3) this.unexpected('`]`');
      } else if (this.accept(']')) break;
      else if (bounds.at(-1) === null) bounds[bounds.length - 1] = this.expression();
      else this.unexpected('`]`');
    }
    const [index] = bounds;
    if (bounds.length > 1) return { kind: 'slice', object, bounds, at };
    if (!index) throw this.source.fail('the `[ ]` is empty', at);
    return { kind: 'index', object, index, at };
  }

  #call(callee: Expression, at: number): Expression {
    const args = this.#arguments();
    if (callee.kind === 'name') return { kind: 'call', name: callee.name, args, at: callee.at };
    if (callee.kind === 'member') {
      return { kind: 'method', object: callee.object, name: callee.key, args, at: callee.at };
    }
    throw this.source.fail('only functions and methods that have a name can be called', at);
  }

  /** After `(`: arguments up to `)`. */
  #arguments(): Arguments {
    const positional: Expression[] = [];
    const named: [string, Expression][] = [];
    while (!this.accept(')')) {
      const { token } = this;
      const { following } = this;
      if (token.type === 'name' && following?.type === 'operator' && following.text === '=') {
        this.advance();
        this.advance();
        named.push([token.text, this.expression()]);
      } else if (named.length > 0) {
        throw this.source.fail('an argument without a name follows one with a name', token.at);
      } else positional.push(this.expression());
      if (!this.accept(',')) {
        this.expect(')');
        break;
      }
    }
    return { positional, named };
  }

  /** `| name`, `| name(…)`: any number of filters. */
  filterChain(start: Expression): Expression {
    let result = start;
    while (this.accept('|')) {
      const { text: name, at } = this.name('the name of a filter');
      const args = this.accept('(') ? this.#arguments() : { positional: [], named: [] };
      result = { kind: 'filter', object: result, name, args, at };
      this.#grow();
    }
    return result;
  }

  #filters(start: Expression): Expression {
    let result = this.filterChain(start);
    while (this.accept('is')) {
      result = this.filterChain(this.#test(result));
      this.#grow();
    }
    return result;
  }

  #test(object: Expression): Expression {
    const negated = this.accept('not') !== null;
    const { token } = this;
    if (token.type !== 'name') this.unexpected('the name of a test after `is`');
    this.advance();
    const args = this.accept('(') ? this.#arguments() : this.#bareArgument();
    return { kind: 'test', object, name: token.text, args, negated, at: token.at };
  }

  /** `is divisibleby 3`: one argument without brackets. */
  #bareArgument(): Arguments {
    const { token } = this;
    const starts =
      token.type === 'number' ||
      token.type === 'string' ||
      (token.type === 'name' && !RESERVED.has(token.text)) ||
      (token.type === 'operator' && (token.text === '[' || token.text === '{'));
    return { positional: starts ? [this.#postfix(this.#primary())] : [], named: [] };
  }
}
