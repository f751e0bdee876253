import type { JsonObject, JsonValue } from '../../src/types.ts';
import type { ModelAnswer, ModelProtocol } from './model-server.ts';

/** How one protocol writes an answer. */
export interface Wire {
  /** The whole body of an answer that is not streamed. */
  whole(answer: ModelAnswer, model: string): JsonObject;
  /** The events of a streamed one, ready to be written, in order. */
  events(answer: ModelAnswer, model: string): string[];
  /** The body of an error. */
  error(type: string, message: string, code: string | null): JsonObject;
}

/** Text in pieces of a few characters, as models send it. */
function pieces(text: string, size = 7): string[] {
  return text.match(new RegExp(`[\\s\\S]{1,${size}}`, 'gu')) ?? [];
}

const argumentsOf = (value: JsonObject | string): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

const toolCalls = (answer: ModelAnswer) =>
  (answer.tool_calls ?? []).map((call, i) => ({
    id: call.id ?? `call_${i}`,
    name: call.name,
    arguments: argumentsOf(call.arguments),
  }));

const finishOf = (answer: ModelAnswer): string =>
  answer.finish_reason ?? (answer.tool_calls?.length ? 'tool_calls' : 'stop');

const data = (value: JsonValue): string => `data: ${JSON.stringify(value)}\n\n`;

function openaiUsage({ usage, cost }: ModelAnswer): JsonObject | null {
  if (usage === null) return null;
  const { input, output } = usage ?? { input: 10, output: 5 };
  const counts = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
  return cost === undefined ? counts : { ...counts, cost };
}

const openai: Wire = {
  whole(answer, model) {
    const calls = toolCalls(answer).map(({ id, ...call }) => ({ id, type: 'function', function: call }));
    const message: JsonObject = { role: 'assistant', content: answer.text ?? (calls.length > 0 ? null : '') };
    if (answer.reasoning !== undefined) message.reasoning_content = answer.reasoning;
    if (calls.length > 0) message.tool_calls = calls;
    return {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1_700_000_000,
      model,
      choices: [{ index: 0, message, finish_reason: finishOf(answer) }],
      usage: openaiUsage(answer),
    };
  },
  events(answer, model) {
    const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_700_000_000, model };
    const chunk = (delta: JsonObject, finish: string | null = null): string =>
      data({ ...head, choices: [{ index: 0, delta, finish_reason: finish }] });
    const calls = toolCalls(answer);
    const parts = calls.map((call) => pieces(call.arguments));
    const longest = Math.max(0, ...parts.map((of) => of.length));
    return [
      chunk({ role: 'assistant', content: '' }),
      ...pieces(answer.reasoning ?? '').map((reasoning_content) => chunk({ reasoning_content })),
      ...pieces(answer.text ?? '').map((content) => chunk({ content })),
      ...calls.map(({ id, name }, index) =>
        chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
      ),
      // The pieces of several calls come in turns.
      ...Array.from({ length: longest }, (_, at) =>
        parts.flatMap((of, index) =>
          of[at] === undefined ? [] : [chunk({ tool_calls: [{ index, function: { arguments: of[at] } }] })],
        ),
      ).flat(),
      chunk({}, finishOf(answer)),
      ...(openaiUsage(answer) ? [data({ ...head, choices: [], usage: openaiUsage(answer) })] : []),
      'data: [DONE]\n\n',
    ];
  },
  error: (type, message, code) => ({ error: { message, type, param: null, code } }),
};

const ANTHROPIC_FINISH: Record<string, string> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'refusal',
};

const anthropic: Wire = {
  whole(answer, model) {
    const content: JsonObject[] = [];
    if (answer.reasoning !== undefined)
      content.push({ type: 'thinking', thinking: answer.reasoning, signature: 's' });
    if (answer.text !== undefined) content.push({ type: 'text', text: answer.text });
    for (const call of toolCalls(answer)) {
      content.push({
        type: 'tool_use',
        id: call.id,
        name: call.name,
        input: JSON.parse(call.arguments) as JsonObject,
      });
    }
    return {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model,
      content,
      stop_reason: ANTHROPIC_FINISH[finishOf(answer)] ?? finishOf(answer),
      stop_sequence: null,
      usage: { input_tokens: answer.usage?.input ?? 10, output_tokens: answer.usage?.output ?? 5 },
    };
  },
  events(answer, model) {
    const event = (value: JsonObject): string => `event: ${String(value.type)}\n${data(value)}`;
    const { content, stop_reason, usage, ...message } = anthropic.whole(answer, model);
    const blocks = (content as JsonObject[]).flatMap((block, index) => {
      const delta = (of: JsonObject): string => event({ type: 'content_block_delta', index, delta: of });
      const deltas =
        block.type === 'text'
          ? pieces(String(block.text)).map((text) => delta({ type: 'text_delta', text }))
          : block.type === 'thinking'
            ? [delta({ type: 'thinking_delta', thinking: String(block.thinking) })]
            : pieces(JSON.stringify(block.input)).map((partial_json) =>
                delta({ type: 'input_json_delta', partial_json }),
              );
      const empty =
        block.type === 'text'
          ? { ...block, text: '' }
          : block.type === 'thinking'
            ? { ...block, thinking: '', signature: '' }
            : { ...block, input: {} };
      return [
        event({ type: 'content_block_start', index, content_block: empty }),
        ...deltas,
        event({ type: 'content_block_stop', index }),
      ];
    });
    const { input_tokens, output_tokens } = usage as { input_tokens: number; output_tokens: number };
    const start = {
      ...message,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens, output_tokens: 0 },
    };
    return [
      event({ type: 'message_start', message: start }),
      ...blocks,
      event({
        type: 'message_delta',
        delta: { stop_reason: stop_reason as string, stop_sequence: null },
        usage: { output_tokens },
      }),
      event({ type: 'message_stop' }),
    ];
  },
  error: (type, message) => ({ type: 'error', error: { type, message } }),
};

/** The protocols by name. */
export const WIRES: Record<ModelProtocol, Wire> = { openai, anthropic };
