import { afterEach, describe, expect, it } from 'vitest';
import { flatagentFactory } from '../../../src/execution/agents/flatagent/index.ts';
import type { AgentExecutor } from '../../../src/execution/agents/interfaces.ts';
import { createLLMBackend } from '../../../src/execution/llm/backend.ts';
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

describe('the model', () => {
  const profile = (of: JsonObject): JsonObject => ({
    provider: 'openai-compatible',
    base_url: server?.url ?? '',
    name: 'm',
    ...of,
  });

  it('is found in layers: default, named, inline, override', async () => {
    await serve({ text: 'x' });
    const profiles = {
      model_profiles: {
        base: profile({ temperature: 0.1, top_p: 0.1, seed: 1, max_tokens: 1 }),
        fast: { name: 'fast', top_p: 0.2, seed: 2, max_tokens: 2 },
        forced: { max_tokens: 4 },
      },
      default: 'base',
      override: 'forced',
    };
    const executor = await agent(
      { model: { profile: 'fast', seed: 3, max_tokens: 3 }, user: 'x' },
      { profiles },
    );
    await executor.execute({}, {}, agentCall());
    expect(sent()).toMatchObject({ model: 'fast', temperature: 0.1, top_p: 0.2, seed: 3, max_tokens: 4 });
  });

  it('may come with the input: its name, its place, and the profile', async () => {
    await serve({ text: 'x' }, { text: 'x' }, { text: 'x' });
    const model = {
      provider: 'openai-compatible',
      name: 'input.model',
      base_url: '{{ input.base_url }}',
      temperature: 'input.t',
    };
    const executor = await agent({ model, user: 'x' });
    const base_url = server?.url ?? '';
    await executor.execute({ model: 'one', base_url, t: 0.5 }, {}, agentCall());
    await executor.turn?.(
      { messages: [{ role: 'user', content: 'y' }], tools: [] },
      agentCall(),
      { model: 'two', base_url },
      {},
    );
    expect([sent(0).model, sent(0).temperature, sent(1).model, sent(1).temperature]).toEqual([
      'one',
      0.5,
      'two',
      undefined,
    ]);

    const profiles = { model_profiles: { slow: profile({ name: 'slow' }) } };
    await (await agent({ model: '{{ input.use }}', user: 'x' }, { profiles })).execute(
      { use: 'slow' },
      {},
      agentCall(),
    );
    expect(sent(2).model).toBe('slow');
  });

  it('of 4.x stands under `profile`', async () => {
    await serve({ text: 'x' }, { text: 'x' });
    const inline = { type: 'llm', model: profile({ name: 'deep' }), temperature: 0.2 };
    await (await agent({ model: null, profile: inline, user: 'x' })).execute({}, {}, agentCall());
    expect(sent(0)).toMatchObject({ model: 'deep', temperature: 0.2 });
    const file = {
      spec: 'flatprofile',
      data: { model_profiles: { a: profile({ name: 'a' }) }, default: 'a' },
    };
    await (await agent({ model: null, profile: file, user: 'x' })).execute({}, {}, agentCall());
    expect(sent(1).model).toBe('a');
  });

  it.each([
    [{ tools: [{ name: 'look' }] }, 'invalid-machine', 'has no `function` with a name'],
    [{ model: 'nobody' }, 'invalid-machine', 'there is no profile "nobody"'],
    [{ model: { provider: 'openai', name: 'm' } }, 'auth', 'OPENAI_API_KEY is not set'],
    [{ model: { provider: 'anthropic', name: 'm', api_key_env: 'MY_KEY' } }, 'auth', 'MY_KEY is not set'],
    [{ model: { provider: 'nowhere', name: 'm' } }, 'invalid-machine', 'needs a `base_url`'],
    [{ model: { provider: 'openai' } }, 'invalid-machine', 'needs a `name`'],
    [{ model: { name: 'm', api_key: 'sk-123' } }, 'invalid-machine', 'keys do not belong in files'],
    [
      { model: { name: 'm', temperature: 'warm' } },
      'invalid-machine',
      '`temperature` of a model must be a number',
    ],
    [{ profile: { type: 'claude-code', model: 'opus' }, model: null }, 'invalid-machine', 'is not a model'],
  ])('says what is wrong: %j', async (data, code, message) => {
    const run = async () => {
      const config = { data: { user: 'x', ...data } as JsonObject };
      const executor = await flatagentFactory(agentDefinition(config), { cwd: process.cwd(), env: {} });
      return executor.execute({}, {}, agentCall());
    };
    await expect(run()).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('takes its name with the provider in front', async () => {
    await serve({ text: 'x' });
    const config = { data: { user: 'x', model: { name: 'anthropic/claude-x' } } };
    const executor = await flatagentFactory(agentDefinition(config), { cwd: '/', env: {} });
    await expect(executor.execute({}, {}, agentCall())).rejects.toThrow('ANTHROPIC_API_KEY');
  });
});

describe('LLMBackend', () => {
  it('gives text or what the provider sent, and counts', async () => {
    await serve({ text: 'one', cost: 0.5 }, { text: 'two', cost: 0.25 });
    const backend = createLLMBackend(
      { provider: 'openai-compatible', name: 'm', base_url: server?.url ?? '' },
      {},
    );
    const messages = [{ role: 'user' as const, content: 'x' }];
    expect(
      await backend.call(messages, {
        temperature: 0,
        max_tokens: 9,
        response_format: { type: 'json_object' },
      }),
    ).toBe('one');
    expect(await backend.callRaw(messages)).toMatchObject({ choices: [{ message: { content: 'two' } }] });
    expect([backend.totalApiCalls, backend.totalCost]).toEqual([2, 0.75]);
    expect(sent(0)).toMatchObject({
      temperature: 0,
      max_tokens: 9,
      response_format: { type: 'json_object' },
    });
  });
});
