import type {
  LanguageModelV2CallWarning,
  LanguageModelV2Content,
  LanguageModelV2FinishReason,
  LanguageModelV2StreamPart,
  LanguageModelV2Usage,
} from '@ai-sdk/provider';
import { isJsonObject } from '../../json.ts';
import type { JsonObject } from '../../types.ts';
import type { AgentResult, ToolCall } from '../agents/interfaces.ts';

/** The protocols' words for how an answer ended, in the words of results. */
const FINISH: Partial<Record<LanguageModelV2FinishReason, string>> = {
  stop: 'stop',
  length: 'length',
  'content-filter': 'content_filter',
  'tool-calls': 'tool_calls',
};

/** Headers in which gateways tell what a call cost. */
const COST_HEADERS = ['x-litellm-response-cost'];

/** An answer while it comes in. */
export class Answer {
  text = '';
  #reasoning = '';
  readonly #calls: ToolCall[] = [];
  #usage: LanguageModelV2Usage | null = null;
  #finish: LanguageModelV2FinishReason = 'unknown';
  /** The provider's own word for how it ended. */
  #rawFinish: string | null = null;
  #rawUsage: JsonObject | null = null;
  #warnings: string[] = [];
  #id: string | null = null;
  #model: string | null = null;

  /** Takes a part of an answer that came whole. */
  addContent(part: LanguageModelV2Content): void {
    if (part.type === 'text') this.text += part.text;
    else if (part.type === 'reasoning') this.#reasoning += part.text;
    else if (part.type === 'tool-call') this.#addCall(part.toolCallId, part.toolName, part.input);
  }

  /** Takes a part of a stream. @throws what the provider sent as an error */
  addPart(part: LanguageModelV2StreamPart): void {
    switch (part.type) {
      case 'stream-start':
        this.warn(part.warnings);
        break;
      case 'text-delta':
        this.text += part.delta;
        break;
      case 'reasoning-delta':
        this.#reasoning += part.delta;
        break;
      case 'tool-call':
        this.#addCall(part.toolCallId, part.toolName, part.input);
        break;
      case 'response-metadata':
        this.identify(part.id, part.modelId);
        break;
      case 'raw':
        this.addRaw(part.rawValue);
        break;
      case 'finish':
        this.finish(part.finishReason, part.usage);
        break;
      case 'error':
        throw part.error;
    }
  }

  /** Looks into what the provider really sent, the body or a chunk of the stream, for what the packages leave out. */
  addRaw(raw: unknown): void {
    if (!isJsonObject(raw)) return;
    const choice = Array.isArray(raw.choices) ? raw.choices[0] : undefined;
    const delta = isJsonObject(raw.delta) ? raw.delta : undefined;
    const finish = isJsonObject(choice) ? choice.finish_reason : (raw.stop_reason ?? delta?.stop_reason);
    if (typeof finish === 'string') this.#rawFinish = finish;
    if (isJsonObject(raw.usage)) this.#rawUsage = raw.usage;
  }

  /** Settings that the provider's package left out of the request. */
  warn(warnings: readonly LanguageModelV2CallWarning[]): void {
    this.#warnings = warnings.map(warningText);
  }

  identify(id: string | undefined, model: string | undefined): void {
    this.#id = id ?? this.#id;
    this.#model = model ?? this.#model;
  }

  finish(reason: LanguageModelV2FinishReason, usage: LanguageModelV2Usage): void {
    this.#finish = reason;
    this.#usage = usage;
  }

  /** Whether the provider said that this is the end, in whatever words. */
  get complete(): boolean {
    return this.#finish !== 'unknown' || this.#rawFinish !== null || this.#rawUsage !== null;
  }

  /** Whether the provider kept the answer back. */
  get withheld(): boolean {
    return this.#finish === 'content-filter' && this.text === '' && this.#calls.length === 0;
  }

  /** @param headers of the answer, names in lower case */
  result(provider: string, headers: Readonly<Record<string, string>>): AgentResult {
    const metadata: JsonObject = { provider };
    if (this.#model !== null) metadata.model = this.#model;
    if (this.#id !== null) metadata.response_id = this.#id;
    if (this.#reasoning !== '') metadata.reasoning = this.#reasoning;
    if (this.#warnings.length > 0) metadata.warnings = this.#warnings;
    return {
      content: this.text === '' && this.#calls.length > 0 ? null : this.text,
      usage: usageOf(this.#usage),
      cost: this.#cost(headers),
      finish_reason: FINISH[this.#finish] ?? this.#rawFinish,
      tool_calls: this.#calls.length > 0 ? this.#calls : null,
      metadata,
    };
  }

  #addCall(id: string, name: string, args: string): void {
    this.#calls.push({ id, type: 'function', function: { name, arguments: args } });
  }

  #cost(headers: Readonly<Record<string, string>>): number | null {
    const told = [this.#rawUsage?.cost, ...COST_HEADERS.map((name) => headers[name])];
    for (const value of told) {
      const cost = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
      if (typeof cost === 'number' && Number.isFinite(cost) && cost >= 0) return cost;
    }
    return null;
  }
}

function warningText(warning: LanguageModelV2CallWarning): string {
  if (warning.type === 'other') return warning.message;
  const what = warning.type === 'unsupported-tool' ? warning.tool.name : String(warning.setting);
  return `${what} is not supported${warning.details === undefined ? '' : `: ${warning.details}`}`;
}

const COUNTS = {
  input_tokens: 'inputTokens',
  output_tokens: 'outputTokens',
  total_tokens: 'totalTokens',
  reasoning_tokens: 'reasoningTokens',
  cached_input_tokens: 'cachedInputTokens',
} as const satisfies Record<string, keyof LanguageModelV2Usage>;

/** The counts that were told; null = none. */
function usageOf(usage: LanguageModelV2Usage | null): JsonObject | null {
  const told = Object.entries(COUNTS).flatMap(([name, key]) => {
    const count = usage?.[key];
    return count === undefined || !(count >= 0 && count <= Number.MAX_SAFE_INTEGER)
      ? []
      : [[name, count] as const];
  });
  return told.length === 0 ? null : Object.fromEntries(told);
}
