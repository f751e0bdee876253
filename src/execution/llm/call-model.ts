import type { LanguageModelV2, LanguageModelV2CallOptions } from '@ai-sdk/provider';
import type { JsonObject, JsonValue } from '../../types.ts';
import { agentError, toAgentError } from '../agents/errors.ts';
import type { AgentResult, Message, ToolDefinition } from '../agents/interfaces.ts';
import { Answer } from './answer.ts';
import { Deadline } from './deadline.ts';
import { spokenOf, toPrompt, toTools } from './prompt.ts';
import type { ModelSettings, Sampling } from './settings.ts';

/** One request to a model. */
export interface ModelRequest {
  messages: readonly Message[];
  tools?: readonly ToolDefinition[];
  /** Asks for JSON in the protocol's own way; with a schema where the settings say so. */
  json?: { schema: JsonObject | null } | null;
  /** Wins over the settings. */
  sampling?: Sampling;
}

/** How a request is made. */
export interface ModelCall {
  signal?: AbortSignal | undefined;
  /** Told of each piece of text while it comes in; absent = the answer comes whole. */
  stream?: ((text: string) => void) | undefined;
}

/** What the provider's answer was, and the body it came in (null for a stream). */
export interface ModelAnswer {
  result: AgentResult;
  body: JsonValue;
}

/**
 * Asks a model once; nothing is tried again.
 * @throws FlatMachineError with a code and details that say what went wrong (see `docs/agents.md`); the signal's reason
 */
export async function callModel(
  model: LanguageModelV2,
  settings: ModelSettings,
  request: ModelRequest,
  { signal, stream }: ModelCall = {},
): Promise<ModelAnswer> {
  const from = `${settings.provider} ${settings.name}`;
  const deadline = new Deadline(settings.timeout, signal);
  const options = optionsOf(settings, request, deadline.signal);
  try {
    const ask = stream === undefined ? generate(model, options) : streamed(model, options, stream);
    const { answer, headers, body } = await ask;
    if (stream !== undefined && !answer.complete)
      throw agentError('network', `${from}: the answer broke off`);
    if (answer.withheld) throw agentError('content-filter', `${from}: the answer was withheld`);
    return { result: answer.result(settings.provider, headers), body };
  } catch (error) {
    signal?.throwIfAborted();
    if (deadline.passed) {
      throw agentError('agent-timeout', `${from}: no whole answer in ${settings.timeout} s`);
    }
    throw toAgentError(error, { from, secrets: settings.secrets });
  } finally {
    deadline.end();
  }
}

function optionsOf(
  settings: ModelSettings,
  { messages, tools = [], json = null, sampling }: ModelRequest,
  abortSignal: AbortSignal,
): LanguageModelV2CallOptions {
  const told = tools.length === 0 && settings.protocol === 'anthropic' ? spokenOf(messages) : tools;
  const schema = settings.answerFormat === 'json_schema' ? (json?.schema ?? null) : null;
  const asJson = json !== null && settings.answerFormat !== 'text';
  return {
    prompt: toPrompt(messages),
    ...settings.sampling,
    ...sampling,
    ...(told.length === 0 ? {} : { tools: toTools(told) }),
    ...(asJson ? { responseFormat: { type: 'json', name: 'answer', ...(schema && { schema }) } } : {}),
    abortSignal,
  } as LanguageModelV2CallOptions;
}

interface Received {
  answer: Answer;
  headers: Readonly<Record<string, string>>;
  body: JsonValue;
}

async function generate(model: LanguageModelV2, options: LanguageModelV2CallOptions): Promise<Received> {
  const { content, finishReason, usage, response, warnings } = await model.doGenerate(options);
  const answer = new Answer();
  answer.warn(warnings);
  for (const part of content) answer.addContent(part);
  answer.addRaw(response?.body);
  answer.identify(response?.id, response?.modelId);
  answer.finish(finishReason, usage);
  return { answer, headers: response?.headers ?? {}, body: (response?.body ?? null) as JsonValue };
}

async function streamed(
  model: LanguageModelV2,
  options: LanguageModelV2CallOptions,
  tell: (text: string) => void,
): Promise<Received> {
  const { stream, response } = await model.doStream({ ...options, includeRawChunks: true });
  const answer = new Answer();
  for await (const part of stream) {
    answer.addPart(part);
    if (part.type === 'text-delta') tell(part.delta);
  }
  return { answer, headers: response?.headers ?? {}, body: null };
}
