import type { SourceLocation } from '../../types.ts';
import type { Condition, Render } from '../interfaces.ts';
import type { Expression } from './ast.ts';
import { compileExpression } from './compile-expression.ts';
import { evaluateAll, type Surroundings } from './frame.ts';
import { tokenize } from './lexer.ts';
import { ExpressionParser } from './parser.ts';
import { Source } from './source.ts';
import { truth } from './values.ts';

/**
 * A simple expression as a closure that gives its native value.
 * @param locals names beside `context`, `input` and `output` that it may use
 * @throws FlatMachineError `expression-error` at once for a bad expression, when evaluated for values it cannot work on
 */
export function compileSimple(source: string, at: SourceLocation, locals: readonly string[] = []): Render {
  const place = new Source(source, at, 'expression-error');
  const around: Surroundings = { source: place, dialect: 'simple', locals, slot: () => undefined };
  return evaluateAll(compileExpression(parseSimple(place), around), place);
}

/** A simple expression as a condition, with Python's truth. */
export function compileSimpleCondition(
  source: string,
  at: SourceLocation,
  locals: readonly string[] = [],
): Condition {
  const render = compileSimple(source, at, locals);
  return (scope) => truth(render(scope));
}

/** The tree of a simple expression. */
export function parseSimple(source: Source): Expression {
  const parser = new ExpressionParser(source, 'simple', tokenize(source, 0, null));
  const expression = parser.expression();
  parser.finish();
  return expression;
}
