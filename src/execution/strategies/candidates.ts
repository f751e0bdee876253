import type { RE2JS } from 're2js';
import { FlatMachineError, toError } from '../../errors.ts';
import { isJsonObject, parseJson, setOwn } from '../../json.ts';
import type { JsonObject, JsonValue } from '../../types.ts';
import type { AgentResult } from '../agents/interfaces.ts';
import { isEmpty, payload } from '../agents/payload.ts';
import { compileSchema } from './schema-check.ts';

/** Why an answer may not vote. */
export type RedFlag = 'empty_response' | 'length_exceeded' | 'format_error' | 'validation_failed';

/** An answer that may vote with what it says, or why it may not. */
export type Judgement =
  | { readonly candidate: JsonObject; readonly flag?: undefined; readonly reason?: undefined }
  | { readonly candidate?: undefined; readonly flag: RedFlag; readonly reason: string };

/** Judges the answers of one agent. */
export type Judge = (result: AgentResult) => Judgement;

/** How long an answer's text is per token where the provider does not count, UTF-16 units. */
const UNITS_PER_TOKEN = 4;

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
]);

/** What a field's text may be read as; undefined = the text is none. */
const FIELD_TYPES: Readonly<Record<string, (text: string) => JsonValue | undefined>> = {
  str: (text) => text,
  int: (text) => (/^\s*[+-]?\d+\s*$/.test(text) ? finite(Number(text)) : undefined),
  float: (text) => (text.trim() === '' ? undefined : finite(Number(text))),
  bool: (text) => BOOLEANS.get(text.trim().toLowerCase()),
  json: parseJson,
};

/**
 * What judges the answers of an agent by its metadata: `parsing` (field → pattern, or `{pattern, type}`; linear-time regular expressions, of which the first group counts, or all where there is none; `.`
 * matches line breaks too) makes the candidate out of the text, else it is the {@link payload}; `validation` is a JSON Schema of candidates.
 * @param maxTokens longer answers are flagged; counted by the provider's `output_tokens`, else four characters each
 * @throws FlatMachineError `usage` for a pattern, type or schema that cannot be used
 */
export async function createJudge(metadata: JsonObject, maxTokens: number): Promise<Judge> {
  const parse = metadata.parsing == null ? null : await compileParsing(metadata.parsing);
  const faultOf = metadata.validation == null ? null : await compileSchema(metadata.validation);
  return (result) => {
    if (isEmpty(result)) return { flag: 'empty_response', reason: 'the answer is empty' };
    const text = textOf(result);
    const tokens = tokensIn(result, text);
    if (tokens > maxTokens) {
      return { flag: 'length_exceeded', reason: `${Math.ceil(tokens)} tokens of at most ${maxTokens}` };
    }
    const parsed = parse?.(text);
    if (typeof parsed === 'string') return { flag: 'format_error', reason: parsed };
    const candidate = parsed ?? payload(result);
    const fault = faultOf?.(candidate) ?? null;
    return fault === null ? { candidate } : { flag: 'validation_failed', reason: fault };
  };
}

interface Field {
  readonly name: string;
  readonly pattern: RE2JS;
  readonly type: string;
}

/** The fields found in a text, or why there are none. */
async function compileParsing(parsing: JsonValue): Promise<(text: string) => JsonObject | string> {
  if (!isJsonObject(parsing)) throw badMetadata('parsing', 'it must be a map of fields');
  const { RE2JS } = await import('re2js');
  const fields = Object.entries(parsing).map(([name, rule]): Field => {
    const { pattern, type = 'str' } = isJsonObject(rule) ? rule : { pattern: rule };
    if (typeof pattern !== 'string') throw badMetadata(`parsing.${name}`, 'it needs a pattern');
    if (typeof type !== 'string' || !Object.hasOwn(FIELD_TYPES, type)) {
      const known = Object.keys(FIELD_TYPES).join(', ');
      throw badMetadata(`parsing.${name}`, `there is no type ${JSON.stringify(type)}; there are: ${known}`);
    }
    try {
      return { name, type, pattern: RE2JS.compile(pattern, RE2JS.DOTALL) };
    } catch (error) {
      throw badMetadata(`parsing.${name}`, `bad regular expression: ${toError(error).message}`);
    }
  });
  return (text) => {
    const found: JsonObject = {};
    for (const { name, pattern, type } of fields) {
      const match = pattern.matcher(text);
      if (!match.find()) return `"${name}" was not found in the answer`;
      const group = match.group(match.groupCount() > 0 ? 1 : 0);
      const value = group === null ? undefined : FIELD_TYPES[type]?.(group);
      if (value === undefined) return `"${name}" is no ${type}`;
      setOwn(found, name, value);
    }
    return found;
  };
}

function textOf(result: AgentResult): string {
  return result.content ?? JSON.stringify(payload(result));
}

function tokensIn({ usage }: AgentResult, text: string): number {
  const counted = usage?.output_tokens;
  return typeof counted === 'number' ? counted : text.length / UNITS_PER_TOKEN;
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

function badMetadata(where: string, what: string): FlatMachineError {
  return new FlatMachineError('usage', `the agent’s metadata.${where}: ${what}`, {
    remedy: 'See docs/execution-types.md for what `parsing` and `validation` may hold.',
  });
}
