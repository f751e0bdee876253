/** The packages that speak a provider's protocol. */
export type ProviderProtocol = 'openai' | 'anthropic' | 'openai-compatible';

/** How a structured answer is asked for beside the instruction in the prompt. */
export type AnswerFormat = 'json_schema' | 'json_object' | 'text';

/** What is known of a provider. */
export interface ProviderFacts {
  readonly protocol: ProviderProtocol;
  /** null = the profile must have one. */
  readonly baseUrl: string | null;
  /** Where the key stands when the profile names no variable; null = it takes none. */
  readonly keyVariable: string | null;
  /** Whether it refuses calls without a key. */
  readonly needsKey: boolean;
  /** What it is asked for when an agent has output fields and the profile does not say. */
  readonly answerFormat: AnswerFormat;
}

const compatible = (baseUrl: string, keyVariable: string): ProviderFacts => ({
  protocol: 'openai-compatible',
  baseUrl,
  keyVariable,
  needsKey: true,
  answerFormat: 'json_object',
});

/** Providers by the name profiles use. Any other name is an endpoint compatible with OpenAI's, and needs a `base_url`. */
export const PROVIDERS: ReadonlyMap<string, ProviderFacts> = new Map(
  Object.entries({
    openai: {
      protocol: 'openai',
      baseUrl: 'https://api.openai.com/v1',
      keyVariable: 'OPENAI_API_KEY',
      needsKey: true,
      answerFormat: 'json_schema',
    },
    anthropic: {
      protocol: 'anthropic',
      baseUrl: 'https://api.anthropic.com/v1',
      keyVariable: 'ANTHROPIC_API_KEY',
      needsKey: true,
      answerFormat: 'text',
    },
    'openai-compatible': {
      protocol: 'openai-compatible',
      baseUrl: null,
      keyVariable: 'OPENAI_API_KEY',
      needsKey: false,
      answerFormat: 'json_object',
    },
    cerebras: compatible('https://api.cerebras.ai/v1', 'CEREBRAS_API_KEY'),
    deepseek: compatible('https://api.deepseek.com/v1', 'DEEPSEEK_API_KEY'),
    fireworks: compatible('https://api.fireworks.ai/inference/v1', 'FIREWORKS_API_KEY'),
    gemini: compatible('https://generativelanguage.googleapis.com/v1beta/openai', 'GEMINI_API_KEY'),
    groq: compatible('https://api.groq.com/openai/v1', 'GROQ_API_KEY'),
    mistral: compatible('https://api.mistral.ai/v1', 'MISTRAL_API_KEY'),
    ollama: {
      protocol: 'openai-compatible',
      baseUrl: 'http://127.0.0.1:11434/v1',
      keyVariable: null,
      needsKey: false,
      answerFormat: 'json_object',
    },
    openrouter: compatible('https://openrouter.ai/api/v1', 'OPENROUTER_API_KEY'),
    together: compatible('https://api.together.xyz/v1', 'TOGETHER_API_KEY'),
    xai: compatible('https://api.x.ai/v1', 'XAI_API_KEY'),
  } satisfies Record<string, ProviderFacts>),
);

/** What holds for providers that are not in the table. */
export const UNKNOWN_PROVIDER: ProviderFacts = {
  protocol: 'openai-compatible',
  baseUrl: null,
  keyVariable: null,
  needsKey: false,
  answerFormat: 'json_object',
};
