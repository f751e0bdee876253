import { jsonrepair } from 'jsonrepair';
import { isJsonObject, parseJson } from '../../../json.ts';
import type { JsonObject } from '../../../types.ts';

/** Maps longer than this are only taken when they are JSON as they stand, UTF-16 units: the time that mending takes grows with the square. */
const MAX_REPAIR = 64 * 1024;

/** How many maps of an answer are looked at, the last ones. */
const MAX_MAPS = 1000;

/** How many of them are mended. */
const MAX_REPAIRS = 20;

/**
 * The JSON map in a model's answer: the answer itself, what stands in a code block, or what stands in the text around; else the same mended (single quotes, trailing
 * commas, comments, Python's words). The last map wins, since models think before they answer. Null = there is none.
 * @param mend false for answers that were cut off: mended, they would look whole
 */
export function findJson(answer: string, mend = true): JsonObject | null {
  const text = withoutThoughts(answer).trim();
  const whole = parse(text);
  if (whole !== null) return whole;
  const blocks = codeBlocks(text);
  const maps = [...blocks, ...topLevelMaps(text)].reverse().slice(0, MAX_MAPS);
  for (const candidate of maps) {
    const map = parse(candidate);
    if (map !== null) return map;
  }
  if (!mend) return null;
  const broken = new Set([...maps.slice(0, MAX_REPAIRS), fromFirstBrace(text)]);
  for (const candidate of broken) {
    const map = repair(candidate);
    if (map !== null) return map;
  }
  return null;
}

function withoutThoughts(text: string): string {
  return text.replace(/^\s*<(think(?:ing)?)>[\s\S]*?<\/\1>/i, '');
}

function parse(text: string): JsonObject | null {
  if (!text.startsWith('{')) return null;
  const value = parseJson(text);
  return isJsonObject(value) ? value : null;
}

function repair(text: string): JsonObject | null {
  if (!text.startsWith('{') || text.length > MAX_REPAIR) return null;
  try {
    return parse(jsonrepair(text));
  } catch {
    return null;
  }
}

/** What stands between lines of ```; the last one may be open. */
function codeBlocks(text: string): string[] {
  const blocks: string[] = [];
  let block: string[] | null = null;
  for (const line of text.split('\n')) {
    if (!line.trimStart().startsWith('```')) block?.push(line);
    else if (block === null) block = [];
    else {
      blocks.push(block.join('\n').trim());
      block = null;
    }
  }
  if (block !== null) blocks.push(block.join('\n').trim());
  return blocks.filter((text) => text.startsWith('{'));
}

/** Every piece of the text from a `{` to the `}` that closes it; braces in double-quoted strings do not count. */
function topLevelMaps(text: string): string[] {
  const maps: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (depth > 0 && character === '"') i = endOfString(text, i);
    else if (character === '{') {
      if (depth === 0) start = i;
      depth++;
    } else if (character === '}' && depth > 0) {
      depth--;
      if (depth === 0) maps.push(text.slice(start, i + 1));
    }
  }
  return maps;
}

/** Index of the quote that ends the string, or the end of the text. */
function endOfString(text: string, quote: number): number {
  for (let i = quote + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') return i;
  }
  return text.length;
}

function fromFirstBrace(text: string): string {
  const start = text.indexOf('{');
  if (start < 0) return '';
  const end = text.lastIndexOf('}');
  return text.slice(start, end > start ? end + 1 : undefined);
}
