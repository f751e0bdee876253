import type { Source } from './source.ts';

/** A token of a CEL expression, as far as words need to be told from texts and comments. */
interface CelToken {
  readonly type: 'word' | 'string' | 'other';
  readonly text: string;
  readonly at: number;
  readonly end: number;
}

/** CEL as the library takes it, and the way back to the author's offsets. */
export interface StandardCel {
  readonly text: string;
  /** The offset in the author's text of an offset in {@link text}. */
  sourceOffset(offset: number): number;
}

const SPACE_OR_COMMENT = /(?:\s+|\/\/[^\n]*)+/y;
const RAW_STRING = /(?:[rR][bB]?|[bB][rR])(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"[^"\n]*"|'[^'\n]*')/y;
const STRING =
  /[bB]?(?:"""(?:[^"\\]|\\[\s\S]|"(?!""))*"""|'''(?:[^'\\]|\\[\s\S]|'(?!''))*'''|"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*')/y;
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
const OTHER = /\d[\d.]*(?:[eE][+-]?\d+)?[uU]?|&&|\|\||[=!<>]=|[\s\S]/y;

/** The name under which the environment has its linear-time `matches`. */
export const LINEAR_MATCHES = 'matchesLinear';

const LITERALS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    True: 'true',
    False: 'false',
    None: 'null',
    none: 'null',
  }),
);

/** Ends the operand of `not`; comparisons bind tighter, as in the simple language. */
const ENDS_NOT = new Set(['and', 'or', '&&', '||', '?', ':', ',', ')', ']', '}']);

/** Ends the operand of `not in`. */
const ENDS_IN = new Set([...ENDS_NOT, '==', '!=', '<', '<=', '>', '>=']);

/** Begins the operand of `not in`. */
const BEGINS_IN = new Set([
  'and',
  'or',
  'not',
  '&&',
  '||',
  '?',
  ':',
  ',',
  '(',
  '[',
  '{',
  '==',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
]);

const DEPTH: ReadonlyMap<string, number> = new Map(
  Object.entries({ '(': 1, '[': 1, '{': 1, ')': -1, ']': -1, '}': -1 }),
);

function celTokens(text: string): CelToken[] {
  const tokens: CelToken[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? null;
  };
  for (;;) {
    at += take(SPACE_OR_COMMENT)?.length ?? 0;
    if (at >= text.length) return tokens;
    const string = take(RAW_STRING) ?? take(STRING);
    const word = string === null ? take(WORD) : null;
    const found = string ?? word ?? take(OTHER)!;
    const type = string !== null ? 'string' : word !== null ? 'word' : 'other';
    tokens.push({ type, text: found, at, end: at + found.length });
    at += found.length;
  }
}

interface Edit {
  readonly at: number;
  readonly end: number;
  readonly text: string;
}

/**
 * Turns `and`, `or`, `not`, `not in`, `True`, `False` and `None` into what CEL writes, and `matches(` into the linear-time
 * one. Texts, comments, fields (`context.and`) and keys (`{and: 1}`) stay as they are.
 */
export function toStandardCel(source: string): StandardCel {
  const tokens = celTokens(source);
  const edits = tokens.flatMap((token, i) => (token.type === 'word' ? editsAt(tokens, i) : []));
  edits.sort((a, b) => a.at - b.at);
  let text = '';
  let from = 0;
  const marks: { out: number; source: number }[] = [{ out: 0, source: 0 }];
  for (const edit of edits) {
    text += source.slice(from, edit.at);
    marks.push({ out: text.length, source: edit.at });
    text += edit.text;
    marks.push({ out: text.length, source: edit.end });
    from = edit.end;
  }
  text += source.slice(from);
  return {
    text,
    sourceOffset(offset) {
      const mark = marks.findLast(({ out }) => out <= offset)!;
      const next = marks[marks.indexOf(mark) + 1];
      return Math.min(mark.source + offset - mark.out, next?.source ?? source.length);
    },
  };
}

function editsAt(tokens: readonly CelToken[], i: number): Edit[] {
  const token = tokens[i]!;
  const before = tokens[i - 1]?.text;
  const after = tokens[i + 1]?.text;
  const replace = (text: string): Edit => ({ at: token.at, end: token.end, text });
  if (before === '.' || (before === '?' && tokens[i - 2]?.text === '.')) {
    return token.text === 'matches' && after === '(' ? [replace(LINEAR_MATCHES)] : [];
  }
  const literal = LITERALS.get(token.text);
  if (literal) return [replace(literal)];
  if (token.text === 'matches' && after === '(') return [replace(LINEAR_MATCHES)];
  if (after === ':') return [];
  if (token.text === 'and') return [replace('&&')];
  if (token.text === 'or') return [replace('||')];
  if (token.text !== 'not') return [];
  if (after !== 'in') {
    const end = operandEnd(tokens, i + 1, ENDS_NOT);
    return [replace('!('), { at: end, end, text: ')' }];
  }
  const start = operandStart(tokens, i - 1);
  const end = operandEnd(tokens, i + 2, ENDS_IN);
  return [{ at: start, end: start, text: '!(' }, replace(''), { at: end, end, text: ')' }];
}

function operandEnd(tokens: readonly CelToken[], first: number, ends: ReadonlySet<string>): number {
  let depth = 0;
  let end = tokens[first - 1]!.end;
  for (let i = first; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (depth === 0 && token.type !== 'string' && ends.has(token.text)) break;
    depth += DEPTH.get(token.text) ?? 0;
    end = token.end;
  }
  return end;
}

function operandStart(tokens: readonly CelToken[], last: number): number {
  let depth = 0;
  let start = tokens[last + 1]!.at;
  for (let i = last; i >= 0; i--) {
    const token = tokens[i]!;
    if (depth === 0 && token.type !== 'string' && BEGINS_IN.has(token.text)) break;
    depth -= DEPTH.get(token.text) ?? 0;
    start = token.at;
  }
  return start;
}

const ROOTS = new Set(['context', 'input', 'output', 'now']);

/** The paths that begin at a name of the scope. */
export function celPaths(source: Source): string[][] {
  const tokens = celTokens(source.text);
  const paths: string[][] = [];
  tokens.forEach((token, i) => {
    if (token.type === 'word' && ROOTS.has(token.text) && tokens[i - 1]?.text !== '.')
      paths.push(pathAt(tokens, i));
  });
  return paths;
}

function pathAt(tokens: readonly CelToken[], root: number): string[] {
  const path = [tokens[root]!.text];
  for (let i = root + 1; ; ) {
    const optional = tokens[i + 1]?.text === '?' ? 1 : 0;
    const part = tokens[i + 1 + optional];
    if (tokens[i]?.text === '.' && part?.type === 'word' && tokens[i + 2 + optional]?.text !== '(') {
      path.push(part.text);
      i += 2 + optional;
    } else if (tokens[i]?.text === '[' && part?.type === 'string' && tokens[i + 2 + optional]?.text === ']') {
      if (!/^(["'])[^"'\\]*\1$/.test(part.text)) return path;
      path.push(part.text.slice(1, -1));
      i += 3 + optional;
    } else return path;
  }
}
