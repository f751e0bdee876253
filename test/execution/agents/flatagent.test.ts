import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { flatagentFactory } from '../../../src/execution/agents/flatagent/index.ts';
import type { AgentExecutor } from '../../../src/execution/agents/interfaces.ts';
import type { AgentDefinition } from '../../../src/machine/interfaces.ts';
import type { JsonObject } from '../../../src/types.ts';
import { agentCall, agentDefinition } from '../../helpers/agent-call.ts';
import { type ModelAnswer, type ModelServer, startModelServer } from '../../helpers/model-server.ts';

let server: ModelServer | null = null;
const made: AgentExecutor[] = [];
afterEach(async () => {
  await Promise.all(made.splice(0).map((agent) => agent.dispose?.()));
  await server?.close();
  server = null;
});

async function serve(...answers: ModelAnswer[]): Promise<ModelServer> {
  server = await startModelServer({ answers });
  return server;
}

/** The flatagent, with a model at the server. */
async function agent(
  data: JsonObject,
  of: Partial<AgentDefinition> = {},
  metadata: JsonObject = {},
): Promise<AgentExecutor> {
  const model = { provider: 'openai-compatible', name: 'test', base_url: server?.url ?? '' };
  const config = { spec: 'flatagent', spec_version: '1.0.0', data: { model, ...data }, metadata };
  const executor = await flatagentFactory(agentDefinition(config, of), {
    cwd: process.cwd(),
    env: { OPENAI_API_KEY: 'k' },
  });
  made.push(executor);
  return executor;
}

const sent = (n = 0): JsonObject => server?.requests[n]?.body as JsonObject;
const prompt = (n = 0): (JsonObject | undefined)[] => sent(n).messages as JsonObject[];

describe('prompts', () => {
  it('render over input, context and the model', async () => {
    await serve({ text: 'Hi.' });
    const greeter = await agent({
      system: 'You are {{ model.name }}.',
      user: 'Greet {{ input.name }} of {{ context.town }}{{ input.missing }}.',
      instruction_suffix: 'Be brief, {{ input.name }}.',
    });
    const call = agentCall();
    const result = await greeter.execute({ name: 'Ann' }, { town: 'Rome' }, call);
    expect(result).toMatchObject({ content: 'Hi.', finish_reason: 'stop', usage: { total_tokens: 15 } });
    expect(result.output).toBeUndefined();
    expect(call.streamed.join('')).toBe('Hi.');
    expect(prompt()).toEqual([
      { role: 'system', content: 'You are test.' },
      { role: 'user', content: 'Greet Ann of Rome.\n\nBe brief, Ann.' },
    ]);
  });

  it('may be a path that leads to any value', async () => {
    await serve({ text: 'x' });
    await (await agent({ user: 'input.task' })).execute({ task: { a: [1] } }, {}, agentCall());
    expect(prompt()).toEqual([{ role: 'user', content: '{"a":[1]}' }]);
  });

  it('that cannot be parsed are found before any call', async () => {
    await expect(agent({ user: '{{ input. }}' })).rejects.toMatchObject({
      code: 'template-error',
      location: { file: 'machine.yml', line: 4 },
    });
  });

  it('of 4.x stand under `prompt`', async () => {
    await serve({ text: '{"greeting": "Hello"}' });
    const executor = await agent({
      prompt: {
        spec: 'prompt',
        data: {
          system: 'Be careful.',
          user: 'Hello {{ input.name }}',
          output: { greeting: { type: 'str' } },
        },
      },
    });
    expect((await executor.execute({ name: 'Ann' }, {}, agentCall())).output).toEqual({ greeting: 'Hello' });
    expect(prompt()[1]).toEqual({ role: 'user', content: 'Hello Ann' });
  });
});

describe('output', () => {
  const output = {
    score: { type: 'int', description: 'From 0 to 10.' },
    word: { type: 'str', enum: ['good', 'bad'] },
  };

  it('is asked for in the prompt and in the request, and read from the answer', async () => {
    await serve({ text: 'Well:\n```json\n{"score": "7", "word": "Good",}\n```' });
    const result = await (await agent({ system: 'Judge.', user: 'x', output })).execute({}, {}, agentCall());
    expect(result).toMatchObject({
      output: { score: 7, word: 'good' },
      content: expect.stringContaining('Well'),
    });
    expect(sent().response_format).toEqual({ type: 'json_object' });
    expect(prompt()[0]?.content).toMatch(/^Judge\.\n\nAnswer with one JSON object .*"From 0 to 10\."/s);
  });

  it.each([
    [
      'json_schema',
      {
        type: 'json_schema',
        json_schema: expect.objectContaining({
          schema: expect.objectContaining({ required: ['score', 'word'] }),
        }),
      },
    ],
    ['text', undefined],
    // The provider's own form goes through.
    [
      { type: 'grammar', value: 'x' },
      { type: 'grammar', value: 'x' },
    ],
  ])('is asked for as the profile says: %j', async (response_format, expected) => {
    await serve({ text: '{"score": 1, "word": "bad"}' });
    const model = {
      provider: 'openai-compatible',
      name: 'test',
      base_url: server?.url ?? '',
      response_format,
    };
    await (await agent({ model, user: 'x', output })).execute({}, {}, agentCall());
    expect(sent().response_format).toEqual(expected);
  });

  it('that cannot be used is an error that a retry may mend', async () => {
    await serve({ text: 'No idea.' });
    await expect((await agent({ user: 'x', output })).execute({}, {}, agentCall())).rejects.toMatchObject({
      code: 'invalid-output',
      details: { answer: 'No idea.', retryable: true },
    });
  });
});

describe('a conversation', () => {
  const tools = [{ type: 'function' as const, function: { name: 'look', parameters: { type: 'object' } } }];

  it('is opened, taken turn by turn, and closed', async () => {
    await serve(
      { tool_calls: [{ id: 'c1', name: 'look', arguments: { at: 'it' } }] },
      { text: '{"done": true}' },
    );
    const executor = await agent(
      { user: '{{ input.task }}', output: { done: { type: 'bool' } } },
      {},
      { note: 1 },
    );
    expect(executor.metadata).toEqual({ note: 1 });
    const messages = (await executor.open?.({ task: 'Do it.' }, {}, agentCall())) ?? [];
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user']);

    const first = await executor.turn?.({ messages, tools }, agentCall(), {}, {});
    expect(first).toMatchObject({ content: null, finish_reason: 'tool_calls', tool_calls: [{ id: 'c1' }] });
    // Forced JSON would keep the model from calling a tool.
    expect(sent(0).response_format).toBeUndefined();

    messages.push({ role: 'assistant', content: '', tool_calls: first?.tool_calls ?? [] });
    messages.push({ role: 'tool', tool_call_id: 'c1', content: 'seen' });
    const last = await executor.turn?.({ messages, tools: [] }, agentCall(), {}, {});
    expect(sent(1).response_format).toEqual({ type: 'json_object' });
    expect(prompt(1)[3]).toEqual({ role: 'tool', tool_call_id: 'c1', content: 'seen' });
    expect(await executor.close?.(last ?? {}, agentCall())).toMatchObject({ output: { done: true } });
  });

  it('has the tools of MCP servers, told where the template says', async () => {
    await serve({ text: 'x' });
    const program = fileURLToPath(new URL('../../helpers/mcp-server.mjs', import.meta.url));
    const executor = await agent({
      system: 'Tools: {{ tools_prompt }}',
      user: 'x',
      mcp: {
        servers: { box: { command: process.execPath, args: [program] } },
        tool_filter: { allow: ['box:echo', 'box:fail'] },
        tool_prompt: '{% for tool in tools %}{{ tool.name }};{% endfor %}',
      },
    });
    expect((await executor.tools?.(agentCall()))?.map(({ name }) => name)).toEqual([
      'box__echo',
      'box__fail',
    ]);
    await executor.execute({}, {}, agentCall());
    expect(prompt()[0]?.content).toBe('Tools: box__echo;box__fail;');
    expect((sent().tools as JsonObject[]).map((tool) => (tool.function as JsonObject).name)).toEqual([
      'box__echo',
      'box__fail',
    ]);
  });
});
