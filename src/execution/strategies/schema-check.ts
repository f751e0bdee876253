import { FlatMachineError, toError } from '../../errors.ts';
import { isJsonObject } from '../../json.ts';
import type { JsonValue } from '../../types.ts';

/**
 * Compiles a JSON Schema (draft 7). What it gives says what is wrong with a value, or null. Patterns in it run in linear time.
 * @throws FlatMachineError `usage` for a schema that is none
 */
export async function compileSchema(schema: JsonValue): Promise<(value: JsonValue) => string | null> {
  const [{ Ajv }, { RE2JS }] = await Promise.all([import('ajv'), import('re2js')]);
  const linear = (pattern: string) => RE2JS.compile(pattern);
  const ajv = new Ajv({
    strict: false,
    logger: false,
    validateFormats: false,
    code: { regExp: Object.assign(linear, { code: 'linear' }) },
  });
  try {
    if (!isJsonObject(schema)) throw new Error('it must be a map');
    const validate = ajv.compile(schema);
    return (value) => (validate(value) ? null : ajv.errorsText(validate.errors, { dataVar: 'the answer' }));
  } catch (error) {
    throw new FlatMachineError('usage', `a JSON Schema cannot be used: ${toError(error).message}`, {
      remedy: 'Mend `validation` in the agent’s metadata.',
    });
  }
}
