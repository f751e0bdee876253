import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { httpFactory } from '../../../src/execution/agents/http.ts';
import type { AgentExecutor } from '../../../src/execution/agents/interfaces.ts';
import type { JsonObject } from '../../../src/types.ts';
import { agentCall, agentDefinition, fromEnv } from '../../helpers/agent-call.ts';

let server: Server | null = null;
const seen: { headers: IncomingHttpHeaders; body: JsonObject }[] = [];
afterEach(async () => {
  seen.length = 0;
  if (server === null) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
  server = null;
});

/** An agent whose server does this. */
async function agent(answer: RequestListener, config: JsonObject = {}): Promise<AgentExecutor> {
  server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      seen.push({ headers: request.headers, body: JSON.parse(text) as JsonObject });
      answer(request, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/agent`;
  return httpFactory(agentDefinition({ url, ...config }), { cwd: '/', env: { TOKEN: 'open sesame' } });
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) => {
    response.writeHead(status, headers).end(JSON.stringify(body));
  };

describe('an agent over HTTP', () => {
  it('is told what the call is about, and its result taken', async () => {
    const result = { output: { answer: 42 }, usage: { input_tokens: 3 }, cost: 0.1, finish_reason: 'stop' };
    const headers = { authorization: `Bearer ${fromEnv('TOKEN')}`, 'x-token': { env: 'TOKEN' } };
    const executor = await agent(json(200, result), { headers });
    expect(await executor.execute({ q: 1 }, { n: 2 }, agentCall({ sessionId: 's' }))).toEqual(result);
    expect(seen[0]?.body).toEqual({
      execution_id: 'run-1',
      work_id: 'run-1.3',
      call: 'call.0',
      agent: 'coder',
      session_id: 's',
      input: { q: 1 },
      context: { n: 2 },
    });
    expect(seen[0]?.headers).toMatchObject({
      'idempotency-key': 'run-1.3/call.0',
      authorization: 'Bearer open sesame',
      'x-token': 'open sesame',
      'content-type': 'application/json',
    });
  });

  it('takes turns', async () => {
    const executor = await agent(json(200, { content: 'x' }));
    const messages = [{ role: 'user' as const, content: 'begin' }];
    await executor.turn?.({ messages, tools: [] }, agentCall({ call: 'turn.0' }), { q: 1 }, {});
    expect(seen[0]?.body).toMatchObject({ call: 'turn.0', messages, tools: [], input: { q: 1 } });
  });

  it.each([
    [429, 'rate-limit', { status: 429, retryable: true, retry_after: 2 }],
    [401, 'auth', { status: 401, retryable: false, retry_after: null }],
    [422, 'invalid-request', { status: 422, retryable: false, retry_after: null }],
    [307, 'invalid-request', { status: 307, retryable: false, retry_after: null }],
    [503, 'server', { status: 503, retryable: true, retry_after: null }],
  ])('%d is %s', async (status, code, details) => {
    const headers: Record<string, string> =
      status === 429 ? { 'retry-after': '2' } : status === 307 ? { location: '/' } : {};
    const executor = await agent(json(status, { error: { message: 'said open sesame' } }, headers), {
      headers: { 'x-token': { env: 'TOKEN' } },
    });
    const error = await executor.execute({}, {}, agentCall()).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code, details });
    expect((error as Error).message).toContain('said [redacted]');
  });

  it('is given up when it does not answer', async () => {
    const silent = await agent(() => {}, { timeout: 0.2 });
    await expect(silent.execute({}, {}, agentCall())).rejects.toMatchObject({ code: 'agent-timeout' });
  });

  it('may not say more than 16 MB', async () => {
    const executor = await agent((_request, response) => {
      response.end(Buffer.alloc(17 * 1024 * 1024, 32));
    });
    await expect(executor.execute({}, {}, agentCall())).rejects.toMatchObject({
      code: 'server',
      details: { retryable: false },
    });
  });

  it.each([['<html>'], ['[1]'], ['']])('must answer with a map, not %j', async (body) => {
    const executor = await agent((_request, response) => {
      response.end(body);
    });
    await expect(executor.execute({}, {}, agentCall())).rejects.toMatchObject({
      code: 'server',
      details: { status: 200 },
    });
  });

  it('ends with the reason of the signal', async () => {
    const executor = await agent(() => {});
    const stop = new AbortController();
    const reason = new Error('stop');
    setTimeout(() => stop.abort(reason), 50);
    await expect(executor.execute({}, {}, agentCall({ signal: stop.signal }))).rejects.toBe(reason);
  });

  it('may be where the input says', async () => {
    const executor = await agent(json(200, { content: 'x' }), { url: '{{ input.url }}/agent' });
    const { port } = (server as Server).address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    expect(await executor.execute({ url }, {}, agentCall())).toEqual({ content: 'x' });
    await expect(executor.execute({ url: 'file://x' }, {}, agentCall())).rejects.toMatchObject({
      code: 'invalid-machine',
    });
  });

  it('needs a URL and the variables it names', () => {
    const make = (config: JsonObject) => () => httpFactory(agentDefinition(config), { cwd: '/', env: {} });
    expect(make({})).toThrow('needs the `url`');
    expect(make({ url: 'http://x', tiemout: 3 })).toThrow('has no field tiemout');
    expect(make({ url: 'http://x', headers: { a: { env: 'NOT_SET' } } })).toThrow('NOT_SET is not set');
  });
});
