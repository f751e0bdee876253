import type { Token } from './lexer.ts';
import type { Source } from './source.ts';

/** `simple`: the small language of conditions; `template`: Jinja2's expressions. */
export type Dialect = 'simple' | 'template';

/** Names that are operators. */
export const RESERVED = new Set(['and', 'or', 'not', 'in', 'is', 'if', 'else', 'elif']);

/** What the simple language leaves out, and what to do instead. */
const NOT_SIMPLE: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '|': 'Filters are for templates; compute the value in an earlier mapping.',
    '(': 'Simple expressions have no calls; use a template, or `expression_engine: cel`.',
    '//': 'Use `/`.',
    '**': 'Multiply instead.',
    '~': 'Use `+`.',
    '=': 'Use `==` to compare.',
    is: 'Use `==`, e.g. `x == null`.',
    if: 'Use `and` and `or`, or several transitions.',
    ':': 'Simple expressions have no slices.',
    '{': 'Leave out `{{ }}`: a condition is an expression already. There are no map literals.',
  }),
);

/** Goes through a list of tokens. */
export class TokenCursor {
  protected readonly source: Source;
  protected readonly dialect: Dialect;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(source: Source, dialect: Dialect, tokens: readonly Token[]) {
    this.source = source;
    this.dialect = dialect;
    this.#tokens = tokens;
  }

  /** The token to come. */
  get token(): Token {
    return this.#tokens[this.#next]!;
  }

  /** Takes the token to come, if it is this name or operator. */
  accept(text: string): Token | null {
    const { token } = this;
    if ((token.type !== 'name' && token.type !== 'operator') || token.text !== text) return null;
    this.#next++;
    return token;
  }

  /** Takes this name or operator. @throws when something else comes */
  expect(text: string): Token {
    return this.accept(text) ?? this.unexpected(`\`${text}\``);
  }

  /** Takes a name. @throws when something else comes */
  name(what: string): Token {
    const { token } = this;
    if (token.type !== 'name' || RESERVED.has(token.text)) this.unexpected(what);
    this.#next++;
    return token;
  }

  /** Refuses the token to come. */
  unexpected(wanted: string): never {
    const { token } = this;
    const found = token.type === 'end' ? 'the end' : `\`${token.text}\``;
    const remedy = this.dialect === 'simple' ? NOT_SIMPLE.get(token.text) : undefined;
    throw this.source.fail(`expected ${wanted}, found ${found}`, token.at, remedy);
  }

  /** Makes sure that nothing is left. */
  finish(): void {
    if (this.token.type !== 'end') this.unexpected('the end of the expression');
  }

  /** The token after the one to come, if there is one. */
  protected get following(): Token | undefined {
    return this.#tokens[this.#next + 1];
  }

  /** Takes the token to come, whatever it is. */
  protected advance(): void {
    this.#next++;
  }
}
