import { afterEach, describe, expect, it } from 'vitest';
import { callModel, type ModelCall, type ModelRequest } from '../../../src/execution/llm/call-model.ts';
import { openModel } from '../../../src/execution/llm/open-model.ts';
import { readModelSettings } from '../../../src/execution/llm/settings.ts';
import type { JsonObject } from '../../../src/types.ts';
import { fromEnv } from '../../helpers/agent-call.ts';
import {
  type ModelAnswer,
  type ModelScript,
  type ModelServer,
  startModelServer,
} from '../../helpers/model-server.ts';

const KEY = 'test-key-0123456789';
const env = { OPENAI_API_KEY: KEY, ANTHROPIC_API_KEY: KEY };
const PROVIDERS = ['openai', 'anthropic', 'openai-compatible'];
const hello: ModelRequest = {
  messages: [
    { role: 'system', content: 'Be kind.' },
    { role: 'user', content: 'Hello' },
  ],
};
const tools: ModelRequest['tools'] = [
  {
    type: 'function',
    function: {
      name: 'add',
      description: 'Adds.',
      parameters: { type: 'object', properties: { a: { type: 'number' } } },
    },
  },
];

let server: ModelServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

async function serve(...answers: ModelAnswer[]): Promise<ModelServer> {
  server = await startModelServer({ answers } satisfies ModelScript);
  return server;
}

async function ask(
  profile: JsonObject,
  request: ModelRequest = hello,
  call: ModelCall = {},
): Promise<Awaited<ReturnType<typeof callModel>>> {
  const settings = readModelSettings({ name: 'gpt-4o', base_url: server?.url ?? '', ...profile }, env);
  return callModel(await openModel(settings), settings, request, call);
}

/** The error of a call that must fail. */
async function failure(
  profile: JsonObject,
  call: ModelCall = {},
): Promise<{ code: string; message: string; details: JsonObject }> {
  return ask(profile, hello, call).then(
    () => Promise.reject(new Error('the call succeeded')),
    (error) => error as { code: string; message: string; details: JsonObject },
  );
}

describe.each(PROVIDERS)('%s', (provider) => {
  it.each([true, false])('gives text, usage and the reason of the end (streamed: %s)', async (stream) => {
    await serve({ text: 'Good day to you.', usage: { input: 7, output: 4 } });
    const heard: string[] = [];
    const call = stream ? { stream: (text: string) => heard.push(text) } : {};
    const { result } = await ask({ provider, temperature: 0.5, max_tokens: 50 }, hello, call);
    expect(result).toMatchObject({
      content: 'Good day to you.',
      usage: { input_tokens: 7, output_tokens: 4, total_tokens: 11 },
      cost: null,
      finish_reason: 'stop',
      tool_calls: null,
    });
    expect(heard.join('')).toBe(stream ? 'Good day to you.' : '');
    expect(heard.length > 1).toBe(stream);
    expect(server?.requests).toHaveLength(1);
    expect(server?.requests[0]?.body).toMatchObject({ model: 'gpt-4o', temperature: 0.5 });
    const { authorization, 'x-api-key': key } = server?.requests[0]?.headers ?? {};
    expect(authorization ?? key).toContain(KEY);
  });

  it.each([true, false])('gives tool calls, also in pieces (streamed: %s)', async (stream) => {
    const calls = [
      { id: 'c1', name: 'add', arguments: { a: 1234567890, b: 'a long text in many pieces' } },
      { id: 'c2', name: 'add', arguments: { a: 2 } },
    ];
    await serve({ text: 'Adding.', tool_calls: calls });
    const { result } = await ask({ provider }, { ...hello, tools }, stream ? { stream() {} } : {});
    expect(result.finish_reason).toBe('tool_calls');
    expect(
      result.tool_calls?.map((call) => [call.id, call.function.name, JSON.parse(call.function.arguments)]),
    ).toEqual(calls.map((call) => [call.id, call.name, call.arguments]));
  });

  it('takes a conversation with tool results back', async () => {
    await serve({ text: '3' });
    const asked = (id: string) => ({
      id,
      type: 'function' as const,
      function: { name: 'add', arguments: '{"a": 1}' },
    });
    await ask(
      { provider },
      {
        messages: [
          ...hello.messages,
          { role: 'assistant', content: '', tool_calls: [asked('c1'), asked('c2')] },
          { role: 'tool', tool_call_id: 'c1', content: 'one' },
          { role: 'tool', tool_call_id: 'c2', content: 'two' },
        ],
      },
    );
    const sent = JSON.stringify(server?.requests[0]?.body.messages);
    for (const text of ['c1', 'c2', 'one', 'two', 'add']) expect(sent).toContain(text);
    // Anthropic refuses a conversation about tools in which none is told.
    expect(server?.requests[0]?.body.tools !== undefined).toBe(provider === 'anthropic');
  });

  it.each([
    ['rate-limit', { status: 429, retryable: true, retry_after: 7 }],
    ['auth', { status: 401, retryable: false, retry_after: null }],
    ['context-length', { status: 400, retryable: false, retry_after: null }],
    ['content-filter', { status: 400, retryable: false, retry_after: null }],
    ['server', { status: 500, retryable: true, retry_after: null }],
  ] as const)('tells %s', async (fault, details) => {
    await serve({ fault, ...(fault === 'rate-limit' ? { headers: { 'retry-after': '7' } } : {}) });
    const error = await failure({ provider }, { stream() {} });
    expect(error).toMatchObject({ code: fault, details });
    expect(server?.requests).toHaveLength(1);
  });

  it.each(['reset', 'reset-mid-answer', 'cut'] as const)(
    'tells a connection that breaks: %s',
    async (fault) => {
      await serve({ text: 'A long text that will be cut off somewhere.', fault });
      const error = await failure({ provider }, { stream() {} });
      expect(error).toMatchObject({ code: 'network', details: { status: null, retryable: true } });
    },
  );

  it('tells a connection that breaks in an answer that comes whole', async () => {
    await serve({ text: 'A long text.', fault: 'reset-mid-answer' });
    expect(await failure({ provider })).toMatchObject({ code: 'network', details: { retryable: true } });
  });

  it('tells an error that comes in the middle of a stream', async () => {
    await serve({ text: 'A long text that is not finished.', fault: 'stream-error' });
    expect(await failure({ provider }, { stream() {} })).toMatchObject({
      code: 'server',
      message: expect.stringContaining('Overloaded'),
    });
  });

  it.each([true, false])('tells what is not the protocol (streamed: %s)', async (stream) => {
    await serve({ fault: 'malformed' });
    expect(await failure({ provider }, stream ? { stream() {} } : {})).toMatchObject({ code: 'server' });
  });

  it.each(['hang', 'hang-mid-answer'] as const)(
    'gives up after the timeout of the profile: %s',
    async (fault) => {
      await serve({ text: 'A long text.', fault });
      const started = performance.now();
      const error = await failure({ provider, timeout: 0.2 }, { stream() {} });
      expect(error).toMatchObject({ code: 'agent-timeout', details: { retryable: true } });
      expect(performance.now() - started).toBeLessThan(1000);
    },
  );

  it('ends with the reason of the signal', async () => {
    await serve({ fault: 'hang-mid-answer', text: 'A long text.' });
    const stop = new AbortController();
    const reason = new Error('stop it');
    setTimeout(() => stop.abort(reason), 100);
    await expect(ask({ provider }, hello, { signal: stop.signal, stream() {} })).rejects.toBe(reason);
  });

  it('keeps reasoning out of the content', async () => {
    await serve({ reasoning: 'Hmm.', text: 'Yes.' });
    const { result } = await ask({ provider }, hello, { stream() {} });
    expect(result.content).toBe('Yes.');
    // Chat completions of OpenAI itself tell none.
    if (provider !== 'openai') expect(result.metadata?.reasoning).toBe('Hmm.');
  });

  it('sends fields it does not know as they are, and asks once', async () => {
    await serve({ text: 'x' });
    await ask({ provider, my_field: { deep: [1] } });
    expect(server?.requests[0]?.body).toMatchObject({ my_field: { deep: [1] }, messages: expect.any(Array) });
  });
});

describe('settings that a provider does not take', () => {
  it.each([true, false])('are told in the metadata (streamed: %s)', async (stream) => {
    await serve({ text: 'x' });
    const { result } = await ask({ provider: 'openai', top_k: 3 }, hello, stream ? { stream() {} } : {});
    expect(result.metadata?.warnings).toEqual([expect.stringContaining('topK is not supported')]);
  });
});

describe('an OpenAI-compatible endpoint', () => {
  const provider = 'openai-compatible';

  it.each([true, false])('tells the cost it reports, and makes none up (streamed: %s)', async (stream) => {
    await serve({ text: 'x', cost: 0.0125 }, { text: 'x', headers: { 'x-litellm-response-cost': '0.5' } });
    const call = stream ? { stream() {} } : {};
    expect((await ask({ provider }, hello, call)).result.cost).toBe(0.0125);
    expect((await ask({ provider }, hello, call)).result.cost).toBe(0.5);
  });

  it('takes an answer without usage', async () => {
    await serve({ text: 'x', usage: null });
    expect((await ask({ provider }, hello, { stream() {} })).result).toMatchObject({
      content: 'x',
      usage: null,
    });
  });

  it('takes top_k', async () => {
    await serve({ text: 'x' });
    const { result } = await ask({ provider, top_k: 3 });
    expect(server?.requests[0]?.body.top_k).toBe(3);
    expect(result.metadata?.warnings).toBeUndefined();
  });

  it('needs no key', async () => {
    await serve({ text: 'x' });
    const settings = readModelSettings({ provider, name: 'm', base_url: server?.url ?? '' }, {});
    await callModel(await openModel(settings), settings, hello);
    expect(server?.requests[0]?.headers.authorization).toBeUndefined();
  });

  it('says where nobody listens', async () => {
    const { url } = await serve();
    await server?.close();
    server = null;
    const error = await failure({ provider, base_url: url });
    expect(error).toMatchObject({ code: 'network', message: expect.stringContaining('ECONNREFUSED') });
  });

  it('keeps secrets out of what it says', async () => {
    await serve({
      fault: 'auth',
      text: `Incorrect API key: ${KEY}; also sk-abcdefghijklmnop and Bearer abc.def.ghi-jkl`,
    });
    const error = await failure({ provider, headers: { 'x-extra': fromEnv('OPENAI_API_KEY') } });
    const said = JSON.stringify([error.message, error.details, String((error as { cause?: unknown }).cause)]);
    expect(said).toContain('Incorrect API key');
    for (const secret of [KEY, 'sk-abc', 'abc.def']) expect(said).not.toContain(secret);
  });
});
