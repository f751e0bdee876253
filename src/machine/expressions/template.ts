import { setOwn } from '../../json.ts';
import type { JsonObject, JsonValue, SourceLocation } from '../../types.ts';
import type { Render } from '../interfaces.ts';
import { compileExpression } from './compile-expression.ts';
import { compileNodes } from './compile-template.ts';
import { evaluateAll } from './frame.ts';
import { tokenize } from './lexer.ts';
import { ExpressionParser } from './parser.ts';
import { Source } from './source.ts';
import { parseTemplate } from './template-parser.ts';

/** `native`: a template that is one `{{ }}` gives the value itself. `text`: it gives text (spec_version 1.1–4.x). */
export type TemplateMode = 'native' | 'text';

const BARE_PATH = /^(?:context|input|output)(?:\.[\p{L}_][\p{L}\p{N}_]*|\[\d+\])*$/u;

/** Whether the text is a path that stands for the value it leads to. */
export function isBarePath(text: string): boolean {
  return BARE_PATH.test(text);
}

/** Whether the text has template syntax in it. */
export function isTemplate(text: string): boolean {
  return text.includes('{{') || text.includes('{%');
}

/**
 * A text of the file as a closure: a bare path gives the value it leads to (null when it is missing), a template is
 * rendered, anything else is itself. Values are handed out as they stand in the scope, not copied.
 * @param names that begin bare paths beside `context`, `input` and `output`, e.g. the item of a foreach
 * @throws FlatMachineError `template-error` at once for a template that cannot be parsed, when rendering for one that fails
 */
export function compileTemplate(
  source: string,
  mode: TemplateMode,
  at: SourceLocation,
  names: readonly string[] = [],
): Render {
  const place = new Source(source, at, 'template-error');
  if (isBarePath(source)) return compilePath(place, []);
  if (names.some((name) => isPathFrom(name, source))) return compilePath(place, names);
  if (!isTemplate(source)) return () => source;
  const nodes = parseTemplate(place);
  const [only] = nodes;
  if (mode === 'native' && only?.kind === 'output' && nodes.length === 1) {
    const around = { source: place, dialect: 'template', locals: [], slot: () => undefined } as const;
    return evaluateAll(compileExpression(only.expression, around), place);
  }
  const { write, slots } = compileNodes(nodes, place);
  return evaluateAll((scope, frame) => write(scope, frame, ''), place, slots);
}

/** Whether the text is `name` or a path that begins with it. */
function isPathFrom(name: string, text: string): boolean {
  return (
    text.startsWith(name) && (text.length === name.length || isBarePath(`context${text.slice(name.length)}`))
  );
}

/** A path has the simple language's rule: what is missing is null, however deep. */
function compilePath(source: Source, locals: readonly string[]): Render {
  const parser = new ExpressionParser(source, 'simple', tokenize(source, 0, null));
  const around = { source, dialect: 'simple', locals, slot: () => undefined } as const;
  return evaluateAll(compileExpression(parser.expression(), around), source);
}

/**
 * A value of the file as a closure: every text in it is a template, maps and lists are made anew at each rendering.
 * @param locate place of the value at a path inside `value`
 */
export function compileValue(
  value: JsonValue,
  mode: TemplateMode,
  locate: (path: (string | number)[]) => SourceLocation,
  names: readonly string[] = [],
): Render {
  return compileAt(value, [], { mode, locate, names });
}

interface Around {
  mode: TemplateMode;
  locate: (path: (string | number)[]) => SourceLocation;
  names: readonly string[];
}

function compileAt(value: JsonValue, path: (string | number)[], around: Around): Render {
  if (typeof value === 'string')
    return compileTemplate(value, around.mode, around.locate(path), around.names);
  if (typeof value !== 'object' || value === null) return () => value;
  if (Array.isArray(value)) {
    const items = value.map((item, i) => compileAt(item, [...path, i], around));
    return (scope) => items.map((item) => item(scope));
  }
  const entries = Object.keys(value).map(
    (key) => [key, compileAt(value[key]!, [...path, key], around)] as const,
  );
  return (scope) => {
    const map: JsonObject = {};
    for (const [key, render] of entries) setOwn(map, key, render(scope));
    return map;
  };
}
