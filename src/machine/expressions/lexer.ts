import type { Source } from './source.ts';

/** A token of an expression. `value` holds the number or the unescaped text of a literal. */
export type Token =
  | { readonly type: 'name' | 'operator'; readonly text: string; readonly at: number; readonly end: number }
  | {
      readonly type: 'number';
      readonly text: string;
      readonly value: number;
      readonly at: number;
      readonly end: number;
    }
  | {
      readonly type: 'string';
      readonly text: string;
      readonly value: string;
      readonly at: number;
      readonly end: number;
    }
  | { readonly type: 'end'; readonly text: ''; readonly at: number; readonly end: number };

const SPACE = /[\s]+/y;
const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy;
const NUMBER = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const DIGITS = /\d+/y;
const OPERATOR = /\*\*|\/\/|[=!]==|[=!<>]=|&&|\|\||[-+*/%~|()[\]{},:.=<>]/y;

const OPENERS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** Remedies for what other languages write. */
const FOREIGN: Readonly<Record<string, string>> = {
  '&&': 'Use `and`.',
  '||': 'Use `or`.',
  '!': 'Use `not`.',
  '===': 'Use `==`.',
  '!==': 'Use `!=`.',
  '?': 'There is no `? :` here.',
  ';': 'An expression has no `;`.',
  '&': 'Use `and`.',
  '`': 'Quote text with `"` or `\'`.',
};

/**
 * The tokens from `start` up to `close` (`}}` or `%}`, outside brackets), or to the end of the text when `close` is null.
 * The last token is the `end` token; it stands at the closing mark.
 * @throws FlatMachineError with the source's code
 */
export function tokenize(source: Source, start: number, close: '}}' | '%}' | null): Token[] {
  const { text } = source;
  const tokens: Token[] = [];
  const open: OpenBracket[] = [];
  let at = start;
  for (;;) {
    at += matchAt(SPACE, text, at).length;
    if (open.length === 0 && close !== null && closesAt(text, at, close)) break;
    if (at >= text.length) break;
    const token = tokenAt(source, at);
    trackBrackets(source, token, open);
    tokens.push(token);
    at = token.end;
  }
  const unclosed = open.at(-1);
  if (unclosed) throw neverClosed(source, unclosed);
  if (close !== null && at >= text.length) {
    throw source.fail(`\`${close}\` is missing`, start, `Close it with \`${close}\`.`);
  }
  tokens.push({ type: 'end', text: '', at, end: at });
  return tokens;
}

/** Whether `close`, perhaps with a whitespace mark before it, stands at `at`. */
function closesAt(text: string, at: number, close: string): boolean {
  const mark = text[at] === '-' || text[at] === '+' ? 1 : 0;
  return text.startsWith(close, at + mark);
}

function tokenAt(source: Source, at: number): Token {
  const { text } = source;
  const first = text[at]!;
  if (first === '"' || first === "'") return stringAt(source, at);
  const name = matchAt(NAME, text, at);
  if (name) return { type: 'name', text: name, at, end: at + name.length };
  const number = matchAt(text[at - 1] === '.' ? DIGITS : NUMBER, text, at);
  if (number) return numberAt(source, at, number);
  const operator = matchAt(OPERATOR, text, at);
  const foreign = FOREIGN[operator || first];
  if (!operator || foreign) {
    const shown = operator || String.fromCodePoint(text.codePointAt(at)!);
    throw source.fail(`unexpected \`${shown}\``, at, foreign);
  }
  return { type: 'operator', text: operator, at, end: at + operator.length };
}

function numberAt(source: Source, at: number, text: string): Token {
  const end = at + text.length;
  if (matchAt(NAME, source.text, end)) throw source.fail('a number runs into a name', at);
  const value = Number(text);
  if (!Number.isFinite(value)) throw source.fail('the number is too large', at);
  return { type: 'number', text, value, at, end };
}

/** A bracket that waits for its partner. */
interface OpenBracket {
  readonly closer: string;
  readonly at: number;
}

function trackBrackets(source: Source, token: Token, open: OpenBracket[]): void {
  if (token.type !== 'operator') return;
  const closer = OPENERS[token.text];
  if (closer !== undefined) open.push({ closer, at: token.at });
  else if (token.text === ')' || token.text === ']' || token.text === '}') {
    const opened = open.pop();
    if (!opened) throw source.fail(`\`${token.text}\` closes nothing`, token.at);
    if (opened.closer !== token.text) throw neverClosed(source, opened);
  }
}

function neverClosed(source: Source, { closer, at }: OpenBracket): Error {
  return source.fail(`\`${source.text[at]}\` is never closed`, at, `Add \`${closer}\`.`);
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  v: '\v',
  a: '\x07',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '\n': '',
};

const CODE_ESCAPE = /x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})/y;

/** A quoted text with Python's escapes; an unknown escape stands for itself. */
function stringAt(source: Source, at: number): Token {
  const { text } = source;
  const quote = text[at]!;
  let value = '';
  let i = at + 1;
  for (; i < text.length && text[i] !== quote; i++) {
    if (text[i] !== '\\') {
      value += text[i];
      continue;
    }
    i++;
    const simple = SIMPLE_ESCAPES[text[i] ?? ''];
    CODE_ESCAPE.lastIndex = i;
    const code = simple === undefined ? CODE_ESCAPE.exec(text) : null;
    if (simple !== undefined) value += simple;
    else if (code) {
      const point = code[4]
        ? Number.parseInt(code[4], 8)
        : Number.parseInt(code[1] ?? code[2] ?? code[3]!, 16);
      if (point > 0x10ffff) throw source.fail('there is no such character', i - 1);
      value += String.fromCodePoint(point);
      i += code[0].length - 1;
    } else value += `\\${text[i] ?? ''}`;
  }
  if (i >= text.length) throw source.fail('the text is never closed', at, `Close it with \`${quote}\`.`);
  return { type: 'string', text: text.slice(at, i + 1), value, at, end: i + 1 };
}
