import { FlatMachineError } from '../errors.ts';
import { isJsonObject, kindOf } from '../json.ts';
import type { JsonObject, JsonValue } from '../types.ts';
import type { ExpressionEngine } from './expressions/condition.ts';
import { compileValue, type TemplateMode } from './expressions/template.ts';
import type { Render, Scope } from './interfaces.ts';
import type { LoadedMachine } from './load.ts';
import type { ConfigPath } from './source-map.ts';

/** How the texts of a machine are read. */
export interface Dialect {
  readonly engine: ExpressionEngine;
  readonly mode: TemplateMode;
  readonly loaded: LoadedMachine;
}

/**
 * A value of the file as a closure.
 * @param names that are bare paths beside `context`, `input` and `output`
 */
export function compile(
  value: JsonValue,
  path: ConfigPath,
  { mode, loaded }: Dialect,
  names: readonly string[] = [],
): Render {
  return compileValue(value, mode, (inner) => loaded.locate([...path, ...inner], 'text'), names);
}

/** {@link compile} of an input, which must come to a map. */
export function compileInput(
  state: string,
  value: JsonValue,
  path: ConfigPath,
  dialect: Dialect,
  names: readonly string[] = [],
): (scope: Scope) => JsonObject {
  const render = compile(value, path, dialect, names);
  const location = dialect.loaded.locate(path);
  return (scope) => {
    const input = render(scope);
    if (isJsonObject(input)) return input;
    throw new FlatMachineError(
      'template-error',
      `the input of state "${state}" must come to a map, not ${kindOf(input)}`,
      {
        location,
        remedy: 'Point it at a map, or write the map out.',
      },
    );
  };
}
