import { createHmac } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { ExecutionEvent } from '../../src/events.ts';
import { webhookHooks } from '../../src/hooks/webhook.ts';
import type { JsonObject } from '../../src/types.ts';
import { load } from '../helpers/machine.ts';
import { hookEnvironment } from './environment.ts';
import { type Answer, type Received, receiver } from './receiver.ts';

const servers: { close(): void }[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});
beforeEach(() => {
  delete process.env.TEST_WEBHOOK_KEY;
});

async function started(answer: (n: number) => Answer = () => 200) {
  const server = await receiver(answer);
  servers.push(server);
  return server;
}

const withHook = (args: JsonObject) =>
  load({
    states: { a: { type: 'initial', transitions: [{ to: 'z' }] }, z: { type: 'final', output: { n: 1 } } },
    hooks: { name: 'webhook', args },
  });

/** Hooks without a run, and the messages they log. */
async function made(args: JsonObject) {
  const { environment, emitted } = await hookEnvironment();
  const hooks = await webhookHooks(args, environment);
  return { hooks, logged: () => emitted.flatMap((event) => (event.type === 'log' ? [event.message] : [])) };
}

describe('webhook', () => {
  it('delivers every event in order, with one delivery id per message that its tries share', async () => {
    const { url, requests } = await started((n) => (n === 1 ? 503 : 200));
    await (await withHook({ url })).execute({}, { id: 'w' });
    expect(requests.map(({ body }) => body.event)).toEqual([
      'machine_start',
      'state_enter',
      'state_enter',
      'state_exit',
      'transition',
      'state_enter',
      'state_exit',
      'machine_end',
      'execution_end',
    ]);
    expect(requests[0]?.body).toMatchObject({ execution_id: 'w', machine: 'test' });
    const ids = requests.map(({ headers }) => headers['x-flatmachine-delivery']);
    expect(ids[1]).toBe(ids[2]);
    expect(new Set(ids).size).toBe(requests.length - 1);
  });

  it('signs what it sends with the key in the environment', async () => {
    process.env.TEST_WEBHOOK_KEY = 'the key';
    const { url, requests } = await started();
    const { hooks } = await made({ url, secret_env: 'TEST_WEBHOOK_KEY', headers: { 'x-mine': 7 } });
    hooks.onStateEnter?.('s', { text: 'grüße' });
    await hooks.close?.();
    const { headers, text } = requests[0] as Received;
    const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-flatmachine-signature'])) ?? [];
    expect(Math.abs(Number(t) - Date.now() / 1000)).toBeLessThan(10);
    expect(v1).toBe(createHmac('sha256', 'the key').update(`${t}.${text}`).digest('hex'));
    expect(headers).toMatchObject({ 'x-mine': '7', 'x-flatmachine-event': 'state_enter' });
  });

  it('sends only the events that are asked for, and has no other methods', async () => {
    const { url, requests } = await started();
    const { hooks } = await made({ url, events: ['error', 'tool_result', 'tool_calls'] });
    expect(Object.keys(hooks).sort()).toEqual(['close', 'onError', 'onToolCalls', 'onToolResult']);
    const call = { id: 'c1', name: 'bash', arguments: { cmd: 'ls' } };
    hooks.onToolCalls?.('s', [call], {});
    hooks.onToolResult?.('s', call, { content: 'x', is_error: true }, {});
    hooks.onError?.('s', new TypeError('no'), {});
    await hooks.close?.();
    expect(requests.map(({ body }) => body)).toMatchObject([
      { event: 'tool_calls', state: 's', calls: [call] },
      { event: 'tool_result', call, content: 'x', is_error: true },
      { event: 'error', error_type: 'TypeError', message: 'no' },
    ]);
  });

  it('follows no redirect: what is signed for one receiver is not for another', async () => {
    const { url, requests } = await started(() => ({ status: 307, headers: { location: '/elsewhere' } }));
    const { hooks } = await made({ url });
    hooks.onTransition?.('a', 'b', {});
    await hooks.close?.();
    expect(requests).toHaveLength(1);
  });

  it('never tells the secret, the URL or a header', async () => {
    process.env.TEST_WEBHOOK_KEY = 'the key';
    const { url } = await started(() => 400);
    const { hooks, logged } = await made({
      url,
      secret_env: 'TEST_WEBHOOK_KEY',
      headers: { authorization: 'Bearer abc' },
    });
    hooks.onTransition?.('a', 'b', {});
    await hooks.close?.();
    expect(logged()).not.toEqual([]);
    expect(logged().join()).not.toMatch(/the key|url-secret|Bearer/);
    const refused = made({ url, headers: { authorization: 'bad\nvalue' } });
    await expect(refused).rejects.toSatisfy(
      (error: Error) => !`${error.message} ${(error.cause as Error).message}`.includes('bad'),
    );
  });

  it.each<[JsonObject, string]>([
    [{}, '`url` must be'],
    [{ url: 'ftp://x' }, '`url` must be'],
    [{ url: 'http://x', secret_env: 'TEST_WEBHOOK_KEY' }, 'TEST_WEBHOOK_KEY is not set'],
    [{ url: 'http://x', events: ['state_entr'] }, '"state_entr"'],
    [{ url: 'http://x', header: {} }, 'no argument "header"'],
  ])('refuses %j before anything is stored', async (args, message) => {
    const machine = await withHook(args);
    await expect(machine.execute({}, { id: 'never' })).rejects.toMatchObject({
      code: 'hook-load',
      message: expect.stringContaining(message),
      location: expect.anything(),
    });
    expect(await machine.backends.persistence.latest('never')).toBeNull();
  });
});

describe.concurrent('webhook and a slow or absent receiver', () => {
  it('waits as long as Retry-After asks, and does not try again what is refused', async ({ expect }) => {
    const { url, requests } = await started((n) =>
      n === 0 ? { status: 429, headers: { 'retry-after': '1' } } : n === 2 ? 404 : 200,
    );
    const { hooks, logged } = await made({ url });
    hooks.onTransition?.('a', 'b', {});
    hooks.onTransition?.('b', 'c', {});
    hooks.onTransition?.('c', 'd', {});
    await hooks.close?.();
    expect(requests.map(({ body }) => body.from)).toEqual(['a', 'a', 'b', 'c']);
    expect((requests[1]?.at ?? 0) - (requests[0]?.at ?? 0)).toBeGreaterThan(990);
    expect(logged()).toEqual([
      'webhook: transition was not delivered: status 404 (try 1 of 5)',
      'webhook: the receiver answers again; 1 messages were lost',
    ]);
  });

  it('neither holds up nor fails a run when nobody listens, and says what was lost', async ({ expect }) => {
    const events: ExecutionEvent[] = [];
    let ended = 0;
    const started = performance.now();
    const result = await (await withHook({ url: 'http://127.0.0.1:1/' })).execute(
      {},
      {
        onEvent: (event) => {
          events.push(event);
          if (event.type === 'execution_end') ended = performance.now();
        },
      },
    );
    expect(result.status).toBe('completed');
    expect(ended - started).toBeLessThan(1000);
    expect(performance.now() - started).toBeLessThan(4500);
    const said = events.flatMap((event) => (event.type === 'log' ? [event.message] : []));
    expect(said).toContain('webhook: at the end 8 messages were not delivered');
  });

  it('keeps a bounded queue for a receiver that does not answer', async ({ expect }) => {
    const { url } = await started(() => null);
    const { hooks, logged } = await made({ url });
    const before = performance.now();
    for (let i = 0; i < 1500; i++) hooks.onTransition?.('a', 'b', {});
    for (let i = 0; i < 10; i++) hooks.onStateEnter?.('a', { big: 'x'.repeat(4_000_000) });
    expect(performance.now() - before).toBeLessThan(2000);
    await hooks.close?.();
    expect(logged()).toEqual([
      'webhook: the receiver is too slow: messages are dropped from now on, first transition',
      'webhook: at the end 1000 messages were not delivered',
      'webhook: 510 messages were dropped, too many were waiting',
    ]);
  });
});
