// One token of JSON after any blanks.
const TOKEN =
  /[ \t\r\n]*([{}[\],:]|true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")/y;
const END = /[ \t\r\n]*$/y;

/** What may come next: a value, a value or `]`, a key or `}`, a key, a colon, or a comma or the closing bracket. */
type Expected = 'value' | 'value-or-end' | 'key-or-end' | 'key' | 'colon' | 'comma-or-end' | 'nothing';

const SAID: Record<Expected, string> = {
  value: 'a value',
  'value-or-end': 'a value or `]`',
  'key-or-end': 'a key in double quotes or `}`',
  key: 'a key in double quotes',
  colon: '`:`',
  'comma-or-end': '`,` or a closing bracket',
  nothing: 'the end of the file',
};

/**
 * The first place where `text` is not JSON, and what should stand there; null when it is JSON. The YAML parser, which gives the
 * places of a JSON file, is laxer, and `JSON.parse` does not always say where.
 */
export function findJsonError(text: string): { offset: number; expected: string } | null {
  const open: string[] = [];
  let expected: Expected = 'value';
  let offset = 0;
  for (;;) {
    if (expected === 'nothing') {
      END.lastIndex = offset;
      if (END.test(text)) return null;
    }
    TOKEN.lastIndex = offset;
    const token: string | undefined = TOKEN.exec(text)?.[1];
    const next: Expected | null = token === undefined ? null : step(token, expected, open);
    if (next === null) return { offset: skipBlank(text, offset), expected: SAID[expected] };
    expected = next;
    offset = TOKEN.lastIndex;
  }
}

/** What may follow `token`; null when the token may not stand here. */
function step(token: string, expected: Expected, open: string[]): Expected | null {
  const inside = open.at(-1);
  if (token === ':') return expected === 'colon' ? 'value' : null;
  if (token === ',') return expected === 'comma-or-end' ? (inside === '{' ? 'key' : 'value') : null;
  if (token === '}' || token === ']') {
    const fits = inside === (token === '}' ? '{' : '[');
    const empty = token === '}' ? 'key-or-end' : 'value-or-end';
    if (!fits || (expected !== 'comma-or-end' && expected !== empty)) return null;
    open.pop();
    return open.length > 0 ? 'comma-or-end' : 'nothing';
  }
  if (expected === 'key' || expected === 'key-or-end') return token.startsWith('"') ? 'colon' : null;
  if (expected !== 'value' && expected !== 'value-or-end') return null;
  if (token === '{' || token === '[') {
    open.push(token);
    return token === '{' ? 'key-or-end' : 'value-or-end';
  }
  return open.length > 0 ? 'comma-or-end' : 'nothing';
}

function skipBlank(text: string, offset: number): number {
  const blank = /[ \t\r\n]*/y;
  blank.lastIndex = offset;
  blank.exec(text);
  return blank.lastIndex;
}
