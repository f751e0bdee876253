import type { LanguageModelV2 } from '@ai-sdk/provider';
import { importOptional } from '../../import-optional.ts';
import type { JsonObject } from '../../types.ts';
import type { ProviderProtocol } from './provider-table.ts';
import { sendAsFetch } from './send.ts';
import type { ModelSettings } from './settings.ts';

/** What every provider package is given. */
interface ClientOptions {
  baseURL: string;
  /** Absent for endpoints that take none. */
  apiKey?: string;
  headers: Record<string, string>;
  fetch: typeof fetch;
}

/** How a protocol's package makes a model. */
const PROTOCOLS: Record<
  ProviderProtocol,
  (settings: ModelSettings, options: ClientOptions) => Promise<LanguageModelV2>
> = {
  async openai(settings, options) {
    const { createOpenAI } = await load<typeof import('@ai-sdk/openai')>('@ai-sdk/openai', settings);
    // Chat completions: the protocol whose conversations are made of nothing but messages.
    return createOpenAI(options).chat(settings.name);
  },
  async anthropic(settings, options) {
    const { createAnthropic } = await load<typeof import('@ai-sdk/anthropic')>('@ai-sdk/anthropic', settings);
    return createAnthropic(options)(settings.name);
  },
  async 'openai-compatible'(settings, options) {
    const name = '@ai-sdk/openai-compatible';
    const { createOpenAICompatible } = await load<typeof import('@ai-sdk/openai-compatible')>(name, settings);
    const supportsStructuredOutputs = settings.answerFormat === 'json_schema';
    return createOpenAICompatible({
      ...options,
      name: 'model',
      includeUsage: true,
      supportsStructuredOutputs,
    }).chatModel(settings.name);
  },
};

/** Makes the client of a model, loading its provider's package. @throws FlatMachineError `missing-package` */
export function openModel(settings: ModelSettings): Promise<LanguageModelV2> {
  return PROTOCOLS[settings.protocol](settings, {
    baseURL: settings.baseUrl,
    ...(settings.apiKey === null ? {} : { apiKey: settings.apiKey }),
    headers: settings.headers,
    fetch: withFields(settings.extra),
  });
}

/** A `fetch` that adds fields to the body of each request. */
function withFields(extra: JsonObject): typeof fetch {
  if (Object.keys(extra).length === 0) return sendAsFetch;
  return (input, init) => {
    const body = JSON.parse(String(init?.body)) as JsonObject;
    return sendAsFetch(input as string | URL | Request, {
      ...init,
      body: JSON.stringify({ ...body, ...extra }),
    });
  };
}

function load<T>(name: string, settings: ModelSettings): Promise<T> {
  return importOptional<T>(name, `provider "${settings.provider}"`);
}
