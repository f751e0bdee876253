import { FlatMachineError } from '../../../src/errors.ts';
import { compileCel, compileSimple, compileTemplate } from '../../../src/machine/expressions/index.ts';
import type { Scope } from '../../../src/machine/interfaces.ts';
import type { JsonObject, JsonValue } from '../../../src/types.ts';

/** Where the texts of these tests stand. */
export const at = { file: 'machine.yml', line: 7, column: 12 };

/** A scope with this context. */
export function scope(context: JsonObject, more: Partial<Scope> = {}): Scope {
  return { context, input: {}, ...more };
}

/** A template rendered natively over this context. */
export function render(template: string, context: JsonObject = {}, more: Partial<Scope> = {}): JsonValue {
  return compileTemplate(template, 'native', at)(scope(context, more));
}

/** A simple expression over this context. */
export function simple(expression: string, context: JsonObject = {}): JsonValue {
  return compileSimple(expression, at)(scope(context));
}

/** A CEL expression over this context. */
export function cel(expression: string, context: JsonObject = {}, more: Partial<Scope> = {}): JsonValue {
  return compileCel(expression, at)(scope(context, more));
}

/** The error of ours that `run` throws; anything else, and nothing, fails the test. */
export function failureOf(run: () => unknown): FlatMachineError {
  try {
    const value = run();
    throw new Error(`no error, but ${JSON.stringify(value)?.slice(0, 200)}`);
  } catch (error) {
    if (error instanceof FlatMachineError) return error;
    throw error;
  }
}

/** `line:column message` of the error that `run` throws. */
export function placeOf(run: () => unknown): string {
  const { location, message } = failureOf(run);
  return `${location?.line}:${location?.column} ${message}`;
}
