import { isScalar, isSeq, type LineCounter, type Pair, type ParsedNode } from 'yaml';
import type { SourceLocation } from '../types.ts';

/** Where in a configuration: keys and list indices from its root. */
export type ConfigPath = readonly (string | number)[];

/** What of a `key: value` is meant; `text` is the first character of a text's contents, past its quote or `|`. */
export type Part = 'key' | 'value' | 'text';

/** A node as the parser gives it; null for a key without a value. */
export type Node = ParsedNode | null;

/** A map's entries by key, as read: merges applied, duplicates dropped. */
export type Entries = Map<string, Pair<Node, Node>>;

/** The nodes behind a configuration, filled while it is read. */
export class SourceMap {
  readonly maps = new Map<object, Entries>();
  readonly aliases = new Map<object, Node>();
  readonly #lines: LineCounter;
  readonly #file: string;
  readonly #source: string;
  #root: Node = null;

  constructor(file: string, source: string, lines: LineCounter) {
    this.#file = file;
    this.#source = source;
    this.#lines = lines;
  }

  /** The node that paths begin at. */
  set root(node: Node) {
    this.#root = node;
  }

  /** The place of an offset in the text. */
  at(offset: number): SourceLocation {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  /** The place of what is at `path`; what does not exist in the file is placed at its nearest ancestor's key. */
  locate(path: ConfigPath, part: Part): SourceLocation {
    const found = this.#find(path);
    if (!found.whole || part === 'key' || isBlank(found.value)) return this.#place(found.key ?? found.value);
    const text = part === 'text' ? this.#textOffset(found.value) : null;
    return text === null ? this.#place(found.value) : this.at(text);
  }

  #place(node: Node): SourceLocation {
    return this.at(node?.range?.[0] ?? 0);
  }

  #textOffset(node: Node): number | null {
    if (!isScalar(node) || !node.range) return null;
    const start = node.range[0];
    if (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE') return start + 1;
    if (node.type !== 'BLOCK_LITERAL' && node.type !== 'BLOCK_FOLDED') return null;
    const line = this.#source.indexOf('\n', start) + 1;
    const indent = /^(?:[ \t]*\r?\n)*( *)/.exec(this.#source.slice(line, node.range[1]))?.[1] ?? '';
    return line + indent.length;
  }

  /** The text of a plain (unquoted, one-line) scalar; null when there is none at `path`. */
  plainText(path: ConfigPath, part: 'key' | 'value'): string | null {
    const found = this.#find(path);
    const node = found.whole ? found[part] : null;
    return isScalar(node) && node.type === 'PLAIN' ? (node.source ?? null) : null;
  }

  #find(path: ConfigPath): { key: Node; value: Node; whole: boolean } {
    let key: Node = null;
    let value = this.#root;
    for (const step of path) {
      const entry = this.#child(value, step);
      if (!entry) return { key, value, whole: false };
      key = entry.key ?? key;
      value = entry.value;
    }
    return { key, value, whole: true };
  }

  #child(node: Node, step: string | number): { key: Node; value: Node } | null {
    const target = node && this.aliases.has(node) ? (this.aliases.get(node) ?? null) : node;
    if (!isSeq(target)) return (target && this.maps.get(target)?.get(String(step))) ?? null;
    const item = target.items[Number(step)] as ParsedNode | undefined;
    return item ? { key: item, value: item } : null;
  }
}

function isBlank(node: Node): boolean {
  return node === null || (isScalar(node) && node.value === null && node.source === '');
}
