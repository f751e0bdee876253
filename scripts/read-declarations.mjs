/** Reads the `.d.ts` files that the compiler emits: what a module exports, with its TSDoc. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Declarations whose statement ends with its closing brace. */
const BRACED = /^(?:export )?(?:declare )?(?:abstract )?(?:interface|class|enum|namespace|module)\b/;

const DECLARATION =
  /^(?:export )?(?:declare )?(?:abstract )?(interface|class|enum|type|const|let|function)\s+([\w$]+)/;

/**
 * Everything a module exports, re-exports included.
 * @returns `{name, kind, doc, text, file}`; `doc` is null where there is none. Overloads come as one, with the first one's doc
 */
export function exportsOf(file) {
  const found = new Map();
  for (const { doc, text } of statements(readFileSync(file, 'utf8'))) {
    const from = /\bfrom\s+'([^']+)'/.exec(text)?.[1];
    if (/^export (?:type )?\*/.test(text)) {
      for (const one of exportsOf(modulePath(file, from))) found.set(one.name, one);
    } else if (/^export (?:type )?\{/.test(text)) {
      for (const one of listed(text, file, from)) found.set(one.name, one);
    } else if (text.startsWith('export ')) {
      const one = described(text, doc, file);
      const earlier = found.get(one.name);
      if (earlier === undefined) found.set(one.name, one);
      else found.set(one.name, { ...earlier, doc: earlier.doc ?? doc, text: `${earlier.text}\n${text}` });
    }
  }
  return [...found.values()];
}

/** The members of a class's declaration: `{name, doc, callable}`, private ones and the constructor left out. */
export function membersOf(text) {
  const body = text.slice(text.indexOf('{') + 1, text.lastIndexOf('}'));
  return statements(body).flatMap((member) => {
    if (/^(?:private|#)/.test(member.text)) return [];
    const [, name, after] =
      /^(?:(?:static|async|readonly|abstract|get|set) )*(\[[^\]]+\]|[\w$]+)\??(.?)/.exec(member.text) ?? [];
    if (name === undefined || name === 'constructor') return [];
    const callable = after === '(' || after === '<' || /^(?:static )?(?:get|set) /.test(member.text);
    return [{ name, doc: member.doc, callable }];
  });
}

/** What an export list names. */
function listed(text, file, from) {
  return itemsOf(text).map(({ name, as }) => {
    const one = from === undefined ? local(file, name) : exported(modulePath(file, from), name);
    return as === name ? one : renamed(one, as);
  });
}

/** `{ a, type b as c }` as names. */
function itemsOf(text) {
  const items = text.slice(text.indexOf('{') + 1, text.indexOf('}')).split(',');
  return items.flatMap((item) => {
    const [, name, as] = /^\s*(?:type )?([\w$]+)(?: as ([\w$]+))?\s*$/.exec(item) ?? [];
    return name === undefined ? [] : [{ name, as: as ?? name }];
  });
}

function exported(file, name) {
  const one = exportsOf(file).find((known) => known.name === name);
  if (one === undefined) throw new Error(`${file} does not export ${name}`);
  return one;
}

/** What a name means inside a file: a declaration, exported or not, or something imported. */
function local(file, name) {
  for (const { doc, text } of statements(readFileSync(file, 'utf8'))) {
    if (DECLARATION.exec(text)?.[2] === name) return described(text, doc, file);
    const from = text.startsWith('import ') ? /\bfrom\s+'(\.[^']+)'/.exec(text)?.[1] : undefined;
    const item = from === undefined ? undefined : itemsOf(text).find(({ as }) => as === name);
    if (item !== undefined) return exported(modulePath(file, from), item.name);
  }
  throw new Error(`${file}: ${name} is exported, but not declared`);
}

function described(text, doc, file) {
  const [, kind, name] = DECLARATION.exec(text) ?? [];
  if (name === undefined) throw new Error(`${file}: cannot read ${text.slice(0, 80)}`);
  return { name, kind, doc, text, file };
}

function renamed(one, name) {
  return { ...one, name, text: one.text.replace(new RegExp(`\\b${one.name}\\b`), name) };
}

function modulePath(file, from) {
  return join(dirname(file), from.replace(/\.[jt]s$/, '.d.ts'));
}

/** The statements of a declaration file, or of a class's body, each with the TSDoc comment before it. */
function statements(source) {
  const found = [];
  let doc = null;
  let at = 0;
  while (at < source.length) {
    const rest = source.slice(at);
    const space = /^\s+/.exec(rest) ?? /^\/\/[^\n]*/.exec(rest);
    if (space !== null) {
      at += space[0].length;
      continue;
    }
    if (rest.startsWith('/*')) {
      const end = source.indexOf('*/', at) + 2;
      if (rest.startsWith('/**')) doc = source.slice(at, end);
      at = end;
      continue;
    }
    const end = statementEnd(source, at);
    const text = source.slice(at, end).trim();
    if (text !== ';') found.push({ doc, text });
    doc = null;
    at = end;
  }
  return found;
}

/** Where the statement that begins at `start` ends: after its `;`, or after the brace that closes it. */
function statementEnd(source, start) {
  const braced = BRACED.test(source.slice(start, start + 200));
  let depth = 0;
  for (let at = start; at < source.length; at++) {
    const skipped = skip(source, at);
    if (skipped > at) {
      at = skipped - 1;
      continue;
    }
    const char = source[at];
    if ('{[('.includes(char)) depth++;
    else if ('}])'.includes(char)) {
      depth--;
      if (depth === 0 && braced && char === '}') return at + 1;
    } else if (char === ';' && depth === 0) return at + 1;
  }
  return source.length;
}

/** The end of the comment or the string that begins at `at`; `at` itself where none does. */
function skip(source, at) {
  if (source.startsWith('/*', at)) return source.indexOf('*/', at) + 2;
  if (source.startsWith('//', at)) return source.indexOf('\n', at);
  const quote = source[at];
  if (quote !== "'" && quote !== '"' && quote !== '`') return at;
  for (let end = at + 1; end < source.length; end++) {
    if (source[end] === '\\') end++;
    else if (source[end] === quote) return end + 1;
  }
  return source.length;
}
