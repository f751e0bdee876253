import type { JsonObject, JsonValue } from '../../types.ts';
import type { LLMBackend, LLMOptions, Message } from '../agents/interfaces.ts';
import { callModel, type ModelAnswer } from './call-model.ts';
import type { Variables } from './fill-secrets.ts';
import { openModel } from './open-model.ts';
import { readModelSettings, type Sampling } from './settings.ts';

/**
 * A model by itself, without an agent around it (FlatAgents runtime 1.0.0 `LLMBackend`). The provider's package is loaded at the first call.
 * @param profile settings as in a flatprofile file: `provider`, `name`, `base_url`, `api_key_env`, `temperature`, …
 * @param env default: the environment of this process
 * @throws FlatMachineError `invalid-machine`, `auth`
 */
export function createLLMBackend(profile: JsonObject, env: Variables = process.env): LLMBackend {
  return new ModelBackend(profile, env);
}

class ModelBackend implements LLMBackend {
  readonly #settings;
  #model: ReturnType<typeof openModel> | null = null;
  #cost = 0;
  #calls = 0;

  constructor(profile: JsonObject, env: Variables) {
    this.#settings = readModelSettings(profile, env);
  }

  get totalCost(): number {
    return this.#cost;
  }

  get totalApiCalls(): number {
    return this.#calls;
  }

  async call(messages: Message[], options: LLMOptions = {}): Promise<string> {
    return (await this.#ask(messages, options)).result.content ?? '';
  }

  async callRaw(messages: Message[], options: LLMOptions = {}): Promise<JsonValue> {
    return (await this.#ask(messages, options)).body;
  }

  async #ask(messages: Message[], options: LLMOptions): Promise<ModelAnswer> {
    this.#model ??= openModel(this.#settings);
    const model = await this.#model;
    const sampling: Sampling = {};
    if (options.temperature !== undefined) sampling.temperature = options.temperature;
    if (options.max_tokens !== undefined) sampling.maxOutputTokens = options.max_tokens;
    this.#calls++;
    const answer = await callModel(model, this.#settings, {
      messages,
      tools: options.tools ?? [],
      json: options.response_format?.type === 'json_object' ? { schema: null } : null,
      sampling,
    });
    this.#cost += answer.result.cost ?? 0;
    return answer;
  }
}
