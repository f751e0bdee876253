import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { coerceFields } from '../../../src/execution/agents/flatagent/coerce.ts';
import { findJson } from '../../../src/execution/agents/flatagent/find-json.ts';
import { httpFactory } from '../../../src/execution/agents/http.ts';
import type { AgentExecutor } from '../../../src/execution/agents/interfaces.ts';
import { costOf, spentBy } from '../../../src/execution/agents/payload.ts';
import { createLLMBackend } from '../../../src/execution/llm/backend.ts';
import { callModel } from '../../../src/execution/llm/call-model.ts';
import { openModel } from '../../../src/execution/llm/open-model.ts';
import { readModelSettings } from '../../../src/execution/llm/settings.ts';
import { createJudge } from '../../../src/execution/strategies/candidates.ts';
import type { JsonObject } from '../../../src/types.ts';
import { agentCall, agentDefinition, fromEnv } from '../../helpers/agent-call.ts';

const TOKEN = 'open-sesame-0123';

let server: Server | null = null;
afterEach(async () => {
  if (server === null) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
  server = null;
});

async function serve(answer: RequestListener): Promise<string> {
  server = createServer((request, response) => {
    request.resume().on('end', () => answer(request, response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

/** Sends the same text until nobody reads it any more. */
function forever(head: string, text: string): RequestListener {
  return (_request, response) => {
    response.setHeader('content-type', head);
    const more = (): void => {
      while (!response.destroyed && response.write(text));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  };
}

const json =
  (body: string, status = 200): RequestListener =>
  (_request, response) => {
    response.writeHead(status).end(body);
  };

async function httpAgent(answer: RequestListener): Promise<AgentExecutor> {
  const headers = { authorization: `Bearer ${fromEnv('TOKEN')}` };
  return httpFactory(agentDefinition({ url: await serve(answer), headers }), { cwd: '/', env: { TOKEN } });
}

async function inTime<T>(milliseconds: number, work: () => T): Promise<T> {
  const started = performance.now();
  const result = await work();
  expect(performance.now() - started).toBeLessThan(milliseconds);
  return result;
}

describe('a provider that means harm', () => {
  it('cannot fill the memory, neither with a stream nor with an answer', async () => {
    const chunk = `data: ${JSON.stringify({ choices: [{ delta: { content: 'x'.repeat(1e6) } }] })}\n\n`;
    const profile = (url: string): JsonObject => ({ name: 'm', base_url: url, timeout: 60 });
    const settings = readModelSettings(profile(await serve(forever('text/event-stream', chunk))), {});
    const messages = [{ role: 'user', content: 'hello' }] as const;
    await expect(
      callModel(await openModel(settings), settings, { messages }, { stream: () => {} }),
    ).rejects.toMatchObject({ code: 'server', message: expect.stringContaining('larger than 64 MB') });
    server?.close();
    server?.closeAllConnections();
    const backend = createLLMBackend(profile(await serve(forever('application/json', ' '.repeat(1e6)))), {});
    await expect(backend.call([...messages])).rejects.toMatchObject({
      code: 'server',
      message: expect.stringContaining('larger than 64 MB'),
    });
    server?.close();
    server?.closeAllConnections();
    const agent = await httpAgent(forever('application/json', ' '.repeat(1e6)));
    await expect(agent.execute({}, {}, agentCall())).rejects.toMatchObject({ code: 'server' });
  });

  it('cannot fill a budget up again, nor empty it for good', () => {
    for (const cost of [-5, Number.POSITIVE_INFINITY, Number.NaN, 1e308]) {
      expect(costOf({ cost })).toBeNull();
      expect(costOf({ usage: { cost: { total: cost } } })).toBeNull();
      expect(spentBy({ cost, usage: { api_calls: cost } })).toEqual({ calls: 1, cost: 0 });
    }
    expect(spentBy({ cost: 0.5, usage: { api_calls: 2 } })).toEqual({ calls: 2, cost: 0.5 });
    expect(spentBy({ usage: { api_calls: 0.5, requests: 3, cost: 2 } })).toEqual({ calls: 3, cost: 2 });
  });

  it('cannot have a key that it was sent stored in an error', async () => {
    const seen = async (body: string, status?: number): Promise<string> => {
      const agent = await httpAgent(json(body, status));
      const error = await agent.execute({}, {}, agentCall()).then(
        (result) => result,
        (thrown: Error & { details?: unknown }) => ({ message: thrown.message, details: thrown.details }),
      );
      server?.close();
      return JSON.stringify(error);
    };
    const echo = `you said Bearer ${TOKEN}`;
    for (const text of [
      await seen(`<html>${echo}`),
      await seen(`<html>${' '.repeat(185)}${TOKEN}`),
      await seen(JSON.stringify({ error: { message: echo } }), 401),
      await seen(JSON.stringify({ error: { code: 'auth', message: echo } })),
      await seen(JSON.stringify({ error: echo })),
    ]) {
      expect(text).not.toContain('open-sesame');
      expect(text).toContain('redacted');
    }
  });

  it('is told of an execution whose id no header may hold', async () => {
    let key: string | undefined;
    const agent = await httpAgent((request, response) => {
      key = String(request.headers['idempotency-key']);
      response.end('{}');
    });
    await agent.execute({}, {}, agentCall({ workId: 'ключ ✓.1' }));
    expect(decodeURI(key ?? '')).toBe('ключ ✓.1/call.0');
  });
});

describe('an answer that means harm', () => {
  it.each([
    ['quotes', `{"a":${'"x" '.repeat(250_000)}`],
    ['text between quotes', `{"a": "${'x" y '.repeat(200_000)}}`],
    ['broken maps', '{x}'.repeat(300_000)],
    ['comments', '{//\n'.repeat(250_000)],
    ['open maps', '{"a":'.repeat(200_000)],
    ['blocks', '```\n{\n'.repeat(150_000)],
  ])('does not take long to be found out: %s', async (_what, answer) => {
    await inTime(4000, () => findJson(answer));
  });

  it('is still mended where that is quick', () => {
    expect(findJson(`${'{x} '.repeat(1000)}{'a': 1,}`)).toEqual({ a: 1 });
    expect(findJson(`${'word '.repeat(100_000)}{'a': 1,}`)).toEqual({ a: 1 });
  });

  it('is no number where it only begins like one', async () => {
    const field = { a: { type: 'int' } } as const;
    await inTime(500, () => expect(() => coerceFields({ a: `${'1'.repeat(1e6)}x` }, field)).toThrow());
    expect(coerceFields({ a: ' 1.e2 ' }, field)).toEqual({ a: 100 });
  });

  it('votes with nothing that it has from the language', async () => {
    const judge = await createJudge({ parsing: { ok: { pattern: '(.*)', type: 'bool' } } }, 1e9);
    for (const content of ['constructor', '__proto__']) {
      expect(judge({ content })).toMatchObject({ flag: 'format_error' });
    }
    expect(judge({ content: 'True' })).toEqual({ candidate: { ok: true } });
  });
});
