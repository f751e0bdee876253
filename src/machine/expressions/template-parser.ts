import type { Expression, Node, Targets } from './ast.ts';
import { tokenize } from './lexer.ts';
import { MAX_NESTING } from './limits.ts';
import { ExpressionParser } from './parser.ts';
import type { Source } from './source.ts';
import { didYouMean } from './suggest.ts';

const TAGS = ['if', 'elif', 'else', 'endif', 'for', 'endfor', 'set', 'endset', 'raw', 'endraw'];

/** Names of the scope; a template may not give them another meaning half way. */
const FIXED = new Set(['context', 'input', 'output', 'loop']);

const OPENING = /\{[{%#]/g;
const RAW = /\{%[-+]?\s*raw\s*([-+]?)%\}/y;
const END_RAW = /\{%([-+]?)\s*endraw\s*([-+]?)%\}/g;

/** A tag that ends the block being read. */
interface Closing {
  readonly name: string;
  readonly at: number;
  readonly parser: ExpressionParser;
}

/** Parses a template. @throws FlatMachineError `template-error` with the place of what is wrong */
export function parseTemplate(source: Source): Node[] {
  const nodes = new TemplateParser(source).block([], 0).nodes;
  dropFinalNewline(nodes, source.text);
  return nodes;
}

/** Jinja2 leaves out one newline at the end of a template. */
function dropFinalNewline(nodes: Node[], text: string): void {
  const last = nodes.at(-1);
  if (last?.kind !== 'text' || !/[\r\n]$/.test(text) || !last.text.endsWith('\n')) return;
  nodes.pop();
  if (last.text.length > 1) nodes.push({ kind: 'text', text: last.text.slice(0, -1) });
}

class TemplateParser {
  readonly #source: Source;
  #at = 0;
  /** The last tag ended with `-`: the whitespace after it goes. */
  #trimNext = false;

  constructor(source: Source) {
    this.#source = source;
  }

  /** Reads up to one of the tags in `until`, or to the end when there are none. */
  block(until: readonly string[], opened: number, depth = 0): { nodes: Node[]; closing: Closing | null } {
    if (depth > MAX_NESTING) throw this.#source.fail(`blocks nest deeper than ${MAX_NESTING} levels`, opened);
    const nodes: Node[] = [];
    for (;;) {
      const mark = this.#text(nodes);
      if (mark === null) {
        if (until.length > 0) {
          throw this.#source.fail('the block is never closed', opened, `Add \`{% ${until.at(-1)} %}\`.`);
        }
        return { nodes, closing: null };
      }
      if (mark === '{#') this.#comment();
      else if (mark === '{{') nodes.push(this.#output());
      else if (!this.#raw(nodes)) {
        const closing = this.#tag(nodes, until, depth);
        if (closing) return { nodes, closing };
      }
    }
  }

  /** Takes the text up to the next mark and says which mark it is; null at the end. */
  #text(nodes: Node[]): '{{' | '{%' | '{#' | null {
    const { text } = this.#source;
    OPENING.lastIndex = this.#at;
    const found = OPENING.exec(text);
    const end = found?.index ?? text.length;
    this.#addText(nodes, text.slice(this.#at, end), found !== null && text[end + 2] === '-');
    this.#at = end;
    return (found?.[0] ?? null) as '{{' | '{%' | '{#' | null;
  }

  #addText(nodes: Node[], raw: string, trimEnd: boolean): void {
    let text = raw.replace(/\r\n?/g, '\n');
    if (this.#trimNext) text = text.trimStart();
    if (trimEnd) text = text.trimEnd();
    this.#trimNext = false;
    if (text !== '') nodes.push({ kind: 'text', text });
  }

  #comment(): void {
    const end = this.#source.text.indexOf('#}', this.#at + 2);
    if (end === -1) throw this.#source.fail('the comment is never closed', this.#at, 'Close it with `#}`.');
    this.#trimNext = this.#source.text[end - 1] === '-';
    this.#at = end + 2;
  }

  #raw(nodes: Node[]): boolean {
    const { text } = this.#source;
    RAW.lastIndex = this.#at;
    const start = RAW.exec(text);
    if (!start) return false;
    END_RAW.lastIndex = RAW.lastIndex;
    const end = END_RAW.exec(text);
    if (!end) throw this.#source.fail('the block is never closed', this.#at, 'Add `{% endraw %}`.');
    this.#trimNext = start[1] === '-';
    this.#addText(nodes, text.slice(RAW.lastIndex, end.index), end[1] === '-');
    this.#trimNext = end[2] === '-';
    this.#at = END_RAW.lastIndex;
    return true;
  }

  #output(): Node {
    const parser = this.#parser('}}');
    const expression = parser.tuple();
    parser.finish();
    return { kind: 'output', expression };
  }

  /** A parser of what is inside the mark at hand; goes on behind the mark. */
  #parser(close: '}}' | '%}'): ExpressionParser {
    const { text } = this.#source;
    const start = this.#at + (text[this.#at + 2] === '-' || text[this.#at + 2] === '+' ? 3 : 2);
    const tokens = tokenize(this.#source, start, close);
    const end = tokens.at(-1)!.at;
    this.#trimNext = text[end] === '-';
    this.#at = end + (text[end] === '-' || text[end] === '+' ? 3 : 2);
    return new ExpressionParser(this.#source, 'template', tokens);
  }

  /** Reads a tag and its block; a tag of `until` is handed back instead. */
  #tag(nodes: Node[], until: readonly string[], depth: number): Closing | null {
    const parser = this.#parser('%}');
    const { token } = parser;
    if (token.type !== 'name') parser.unexpected('the name of a tag');
    const { text: name, at } = token;
    parser.accept(name);
    if (until.includes(name)) return { name, at, parser };
    if (name === 'if') nodes.push(this.#if(parser, at, depth));
    else if (name === 'for') nodes.push(this.#for(parser, at, depth));
    else if (name === 'set') nodes.push(this.#set(parser, at, depth));
    else throw this.#wrongTag(name, at);
    return null;
  }

  #wrongTag(name: string, at: number): Error {
    if (TAGS.includes(name)) return this.#source.fail(`\`{% ${name} %}\` belongs to no open block`, at);
    const remedy =
      'Templates have if, for, set and raw; nothing can be included, imported, defined or called.';
    return this.#source.fail(`there is no tag \`${name}\``, at, didYouMean(name, TAGS, remedy));
  }

  #if(first: ExpressionParser, at: number, depth: number): Node {
    const branches: { test: Expression; body: Node[] }[] = [];
    let otherwise: Node[] = [];
    let parser = first;
    for (;;) {
      const test = parser.tuple();
      parser.finish();
      const { nodes: body, closing } = this.block(['elif', 'else', 'endif'], at, depth + 1);
      branches.push({ test, body });
      if (closing!.name === 'elif') {
        parser = closing!.parser;
        continue;
      }
      closing!.parser.finish();
      if (closing!.name === 'else') otherwise = this.#rest('endif', at, depth);
      return { kind: 'if', branches, otherwise };
    }
  }

  #rest(end: string, at: number, depth: number): Node[] {
    const { nodes, closing } = this.block([end], at, depth + 1);
    closing!.parser.finish();
    return nodes;
  }

  #for(parser: ExpressionParser, at: number, depth: number): Node {
    const targets = this.#targets(parser);
    parser.expect('in');
    const items = parser.expression(false);
    const condition = parser.accept('if') ? parser.expression() : null;
    if (parser.token.type === 'name' && parser.token.text === 'recursive') {
      throw this.#source.fail('loops cannot be recursive', parser.token.at, 'Use nested loops.');
    }
    parser.finish();
    const { nodes: body, closing } = this.block(['else', 'endfor'], at, depth + 1);
    closing!.parser.finish();
    const otherwise = closing!.name === 'else' ? this.#rest('endfor', at, depth) : [];
    return { kind: 'for', at, targets, items, condition, body, otherwise };
  }

  #targets(parser: ExpressionParser): Targets {
    const bracket = parser.accept('(');
    const targets = [this.#target(parser)];
    while (parser.accept(',')) targets.push(this.#target(parser));
    if (bracket) parser.expect(')');
    return targets;
  }

  #target(parser: ExpressionParser): string {
    const { text, at } = parser.name('a name');
    if (!FIXED.has(text)) return text;
    throw this.#source.fail(`\`${text}\` cannot be given another value`, at, 'Choose another name.');
  }

  #set(parser: ExpressionParser, at: number, depth: number): Node {
    const targets = this.#targets(parser);
    if (parser.accept('=')) {
      const value = parser.tuple();
      parser.finish();
      return { kind: 'set', at, targets, value };
    }
    if (parser.token.type === 'operator' && parser.token.text === '.') {
      throw this.#source.fail('only a name can be set, not a part of a value', parser.token.at);
    }
    parser.finish();
    return { kind: 'capture', target: targets[0]!, body: this.#rest('endset', at, depth) };
  }
}
