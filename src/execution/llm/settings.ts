import { FlatMachineError } from '../../errors.ts';
import { isJsonObject } from '../../json.ts';
import type { JsonObject, JsonValue } from '../../types.ts';
import { fillSecrets, secret, type Variables } from './fill-secrets.ts';
import { type AnswerFormat, PROVIDERS, type ProviderProtocol, UNKNOWN_PROVIDER } from './provider-table.ts';

/** Seconds a call may take when the profile does not say. */
export const DEFAULT_TIMEOUT = 600;

/** A model and how it is called, ready for use. */
export interface ModelSettings {
  readonly provider: string;
  readonly protocol: ProviderProtocol;
  /** The model's name at its provider. */
  readonly name: string;
  readonly baseUrl: string;
  readonly apiKey: string | null;
  readonly headers: Record<string, string>;
  /** What may not appear in messages. */
  readonly secrets: readonly string[];
  /** Seconds. */
  readonly timeout: number;
  readonly stream: boolean;
  readonly answerFormat: AnswerFormat;
  /** Of the fields below, those that the profile sets. */
  readonly sampling: Sampling;
  /** Everything else in the profile: goes into the body of each request as it is. */
  readonly extra: JsonObject;
}

/** Settings that each provider has its own word for. */
export interface Sampling {
  temperature?: number;
  maxOutputTokens?: number;
  topP?: number;
  topK?: number;
  frequencyPenalty?: number;
  presencePenalty?: number;
  seed?: number;
  stopSequences?: string[];
}

const SAMPLING: Readonly<Record<string, Exclude<keyof Sampling, 'stopSequences'>>> = {
  temperature: 'temperature',
  max_tokens: 'maxOutputTokens',
  top_p: 'topP',
  top_k: 'topK',
  frequency_penalty: 'frequencyPenalty',
  presence_penalty: 'presencePenalty',
  seed: 'seed',
};

const ANSWER_FORMATS: readonly string[] = ['json_schema', 'json_object', 'text'] satisfies AnswerFormat[];

/** Kinds of 4.x profiles that are models. */
const MODEL_TYPES: readonly JsonValue[] = ['llm', 'model', 'flatagent'];

/**
 * Reads a profile.
 * @param profile all layers merged, templates rendered; what is null or empty counts as not set
 * @throws FlatMachineError `invalid-machine` for settings that cannot be used, `auth` when the key's variable is not set
 */
export function readModelSettings(profile: JsonObject, env: Variables): ModelSettings {
  const fields = new Fields(profile);
  const type = fields.text('type');
  if (type !== null && !MODEL_TYPES.includes(type)) {
    throw invalid(
      `a profile of type "${type}" is not a model`,
      'Use an agent of type `command` for programs that bring their own model.',
    );
  }
  if (fields.take('api_key') !== undefined) {
    throw invalid(
      'keys do not belong in files',
      'Name the environment variable that holds it as `api_key_env`.',
    );
  }
  const { provider, name } = identity(fields);
  const facts = PROVIDERS.get(provider) ?? UNKNOWN_PROVIDER;
  const baseUrl = fields.text('base_url') ?? facts.baseUrl;
  if (baseUrl === null)
    throw invalid(
      `provider "${provider}" needs a \`base_url\``,
      'Give the profile the URL of the endpoint, up to `/v1`.',
    );
  if (!/^https?:\/\/[^/]/.test(baseUrl)) throw invalid(`\`base_url\` is not an HTTP URL: ${baseUrl}`);
  const timeout = timeoutOf(fields);
  const sampling = samplingOf(fields, facts.protocol);
  const keyVariable = fields.text('api_key_env');
  const apiKey = keyOf(keyVariable, facts, env, provider);
  const headers = fillSecrets(fields.take('headers'), env, `headers of provider "${provider}"`);
  return {
    provider,
    protocol: facts.protocol,
    name,
    baseUrl: baseUrl.replace(/\/+$/, ''),
    apiKey,
    headers: headers.values,
    secrets: apiKey === null ? headers.secrets : [...headers.secrets, apiKey],
    timeout,
    stream: fields.take('stream') !== false,
    answerFormat: answerFormatOf(fields) ?? facts.answerFormat,
    sampling,
    extra: fields.rest(),
  };
}

function identity(fields: Fields): { provider: string; name: string } {
  const provider = fields.text('provider');
  const name = fields.text('name');
  if (name === null)
    throw invalid('a model needs a `name`', 'Name the model as its provider does, e.g. `gpt-5-mini`.');
  if (provider !== null) return { provider, name };
  const slash = name.indexOf('/');
  if (slash > 0 && !fields.has('base_url') && PROVIDERS.has(name.slice(0, slash))) {
    return { provider: name.slice(0, slash), name: name.slice(slash + 1) };
  }
  return { provider: fields.has('base_url') ? 'openai-compatible' : 'openai', name };
}

function keyOf(
  variable: string | null,
  facts: { keyVariable: string | null; needsKey: boolean },
  env: Variables,
  provider: string,
): string | null {
  const what = `provider "${provider}"`;
  if (variable !== null) return secret(env, variable, what);
  if (facts.keyVariable === null) return null;
  if (facts.needsKey) return secret(env, facts.keyVariable, what);
  return env[facts.keyVariable] || null;
}

function timeoutOf(fields: Fields): number {
  const timeout = fields.number('timeout') ?? DEFAULT_TIMEOUT;
  if (timeout > 0) return timeout;
  throw invalid('`timeout` must be more than 0 seconds');
}

function answerFormatOf(fields: Fields): AnswerFormat | null {
  const format = fields.peek('response_format');
  // The provider's own form goes to it as it is.
  if (typeof format !== 'string') return null;
  fields.take('response_format');
  if (ANSWER_FORMATS.includes(format)) return format as AnswerFormat;
  throw invalid(`\`response_format\` must be one of ${ANSWER_FORMATS.join(', ')}, not "${format}"`);
}

function samplingOf(fields: Fields, protocol: ProviderProtocol): Sampling {
  const sampling: Sampling = {};
  for (const [name, key] of Object.entries(SAMPLING)) {
    // OpenAI has none, and its package drops it; many compatible servers take it, in this very word.
    if (name === 'top_k' && protocol === 'openai-compatible') continue;
    const value = fields.number(name);
    if (value !== null) sampling[key] = value;
  }
  const stop = fields.take('stop');
  if (stop !== undefined) sampling.stopSequences = (Array.isArray(stop) ? stop : [stop]).map(String);
  return sampling;
}

/** The fields of a profile, each taken once; what is left over is the provider's. */
class Fields {
  readonly #left = new Map<string, JsonValue>();

  constructor(profile: JsonObject) {
    for (const [name, value] of Object.entries(profile)) {
      if (value !== null && value !== '') this.#left.set(name, value);
    }
    // 4.x: `model` is the model's name, or the settings themselves.
    const model = this.take('model');
    if (typeof model === 'string') this.#left.set('name', model);
    if (isJsonObject(model)) for (const [name, value] of Object.entries(model)) this.#left.set(name, value);
  }

  has(name: string): boolean {
    return this.#left.has(name);
  }

  peek(name: string): JsonValue | undefined {
    return this.#left.get(name);
  }

  take(name: string): JsonValue | undefined {
    const value = this.#left.get(name);
    this.#left.delete(name);
    return value;
  }

  text(name: string): string | null {
    const value = this.take(name);
    if (value === undefined) return null;
    if (typeof value === 'string') return value;
    throw invalid(`\`${name}\` of a model must be text, not ${JSON.stringify(value)}`);
  }

  /** A number, also one that a template wrote as text. */
  number(name: string): number | null {
    const value = this.take(name);
    if (value === undefined) return null;
    const number = typeof value === 'string' ? Number(value) : value;
    if (typeof number === 'number' && Number.isFinite(number)) return number;
    throw invalid(`\`${name}\` of a model must be a number, not ${JSON.stringify(value)}`);
  }

  rest(): JsonObject {
    return Object.fromEntries(this.#left);
  }
}

function invalid(message: string, remedy?: string): FlatMachineError {
  return new FlatMachineError('invalid-machine', message, remedy === undefined ? {} : { remedy });
}
