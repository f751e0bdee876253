import type { SourceLocation } from '../../types.ts';
import type { Condition } from '../interfaces.ts';
import { compileCelCondition } from './cel.ts';
import { compileSimpleCondition } from './simple.ts';

/** The languages of conditions. */
export type ExpressionEngine = 'simple' | 'cel';

const COMPILERS = { simple: compileSimpleCondition, cel: compileCelCondition } as const;

/**
 * A condition of the file as a closure. `simple` has Python's truth; CEL must give a boolean; `true` and `false` are themselves.
 * @param locals names beside the usual ones that it may use
 * @throws FlatMachineError `expression-error` at once for a bad expression, when evaluated for values it cannot work on
 */
export function compileCondition(
  engine: ExpressionEngine,
  source: string | boolean,
  at: SourceLocation,
  locals: readonly string[] = [],
): Condition {
  return typeof source === 'boolean' ? () => source : COMPILERS[engine](source, at, locals);
}
