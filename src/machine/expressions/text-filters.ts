import { bounded } from './arithmetic.ts';
import { MAX_TEXT } from './limits.ts';
import { type Callable, callable, textArgument, wholeNumber } from './signature.ts';
import { characters, isMap, iterate, own, toText, truth, type Value, ValueError } from './values.ts';

/** Filters on text. */
export const TEXT_FILTERS: Readonly<Record<string, Callable>> = {
  upper: callable('', (value) => toText(value).toUpperCase()),
  lower: callable('', (value) => toText(value).toLowerCase()),
  capitalize: callable('', (value) => capitalize(toText(value))),
  title: callable('', (value) =>
    toText(value)
      .split(/([-\s({[<]+)/)
      .map(capitalize)
      .join(''),
  ),
  trim: callable('chars', (value, [chars]) => strip(toText(value), chars, 'both')),
  replace: callable('old! new! count', (value, [from, to, count]) =>
    replaceText(toText(value), toText(from), toText(to), wholeNumber(count, -1)),
  ),
  truncate: callable('length killwords end leeway', (value, [length, killwords, end, leeway]) =>
    truncate(
      toText(value),
      wholeNumber(length, 255),
      truth(killwords),
      textArgument(end, '...'),
      wholeNumber(leeway, 5),
    ),
  ),
  indent: callable('width first blank', (value, [width, first, blank]) =>
    indent(
      toText(value),
      typeof width === 'string' ? width : spaces(wholeNumber(width, 4)),
      truth(first),
      truth(blank),
    ),
  ),
  wordcount: callable('', (value) => toText(value).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0),
  urlencode: callable('', (value) => urlencode(value)),
  escape: callable('', (value) => escapeHtml(toText(value))),
  e: callable('', (value) => escapeHtml(toText(value))),
  string: callable('', toText),
};

function capitalize(text: string): string {
  const first = String.fromCodePoint(text.codePointAt(0) ?? 32);
  return text === '' ? '' : first.toUpperCase() + text.slice(first.length).toLowerCase();
}

/** Python's strip: `chars` is a set of characters; absent = whitespace. */
export function strip(text: string, chars: Value, side: 'both' | 'left' | 'right'): string {
  const set = chars === undefined || chars === null ? null : new Set(Array.from(textArgument(chars, '')));
  const drops = (character: string): boolean => (set ? set.has(character) : character.trim() === '');
  const all = characters(text);
  let from = 0;
  let to = all.length;
  if (side !== 'right') while (from < to && drops(all[from]!)) from++;
  if (side !== 'left') while (to > from && drops(all[to - 1]!)) to--;
  return typeof all === 'string' ? all.slice(from, to) : Array.from(all).slice(from, to).join('');
}

/** Python's replace; `count` below zero = all. @throws ValueError when the result would be too long */
export function replaceText(text: string, from: string, to: string, count: number): string {
  if (count === 0) return text;
  const parts = from === '' ? ['', ...Array.from(text), ''] : text.split(from);
  const found = parts.length - 1;
  const times = count < 0 ? found : Math.min(count, found);
  if (text.length + times * (to.length - from.length) > MAX_TEXT) {
    throw new ValueError(`the text is longer than ${MAX_TEXT} characters`);
  }
  return (
    parts.slice(0, times + 1).join(to) +
    parts
      .slice(times + 1)
      .map((part) => from + part)
      .join('')
  );
}

function truncate(text: string, length: number, killwords: boolean, end: string, leeway: number): string {
  const all = characters(text);
  if (all.length <= length + leeway) return text;
  const room = length - Array.from(end).length;
  if (room < 0) throw new ValueError(`the length must be at least that of the end, ${end.length}`);
  const cut = Array.from(all).slice(0, room).join('');
  if (killwords) return cut + end;
  const space = cut.lastIndexOf(' ');
  return (space === -1 ? cut : cut.slice(0, space)) + end;
}

function spaces(width: number): string {
  if (width > MAX_TEXT) throw new ValueError('the indentation is too wide');
  return ' '.repeat(Math.max(0, width));
}

function indent(text: string, by: string, first: boolean, blank: boolean): string {
  const lines = text.split('\n');
  if (text.length + lines.length * by.length > MAX_TEXT) {
    throw new ValueError(`the text is longer than ${MAX_TEXT} characters`);
  }
  return lines.map((line, i) => ((i === 0 ? first : blank || line !== '') ? by + line : line)).join('\n');
}

function urlencode(value: Value): string {
  if (typeof value === 'string') return quote(value, true);
  const pairs = isMap(value)
    ? Object.keys(value).map((key) => [key, own(value, key)] as const)
    : iterate(value).map((pair) => {
        if (!Array.isArray(pair) || pair.length !== 2) throw new ValueError('a list of pairs is needed');
        return [pair[0], pair[1]] as const;
      });
  return pairs.map(([key, item]) => `${quote(toText(key), false)}=${quote(toText(item), false)}`).join('&');
}

/** Per cent encoding as Jinja2 does it; a lone surrogate has no encoding and becomes U+FFFD. */
function quote(text: string, path: boolean): string {
  const encoded = encodeURIComponent(text.replace(LONE_SURROGATE, '\ufffd')).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return path ? encoded.replaceAll('%2F', '/') : encoded.replaceAll('%20', '+');
}

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const HTML: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&#39;',
  '"': '&#34;',
};

function escapeHtml(text: string): string {
  let escaped = '';
  let from = 0;
  for (const found of text.matchAll(/[&<>'"]/g)) {
    escaped = bounded(escaped, text.slice(from, found.index) + HTML[found[0]]!);
    from = found.index + 1;
  }
  return bounded(escaped, text.slice(from));
}
