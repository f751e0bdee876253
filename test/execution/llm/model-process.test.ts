import { afterEach, expect, it } from 'vitest';
import { createLLMBackend } from '../../../src/execution/llm/backend.ts';
import { type ModelProcess, startModelProcess } from '../../helpers/model-process.ts';

let server: ModelProcess | null = null;
afterEach(() => server?.close());

it('answers a conversation by its length, however often it is asked, from a process of its own', async () => {
  server = await startModelProcess({ answers: [{ text: 'first' }, { text: 'second' }], by: 'turn' });
  const model = createLLMBackend({ provider: 'openai-compatible', name: 'm', base_url: server.url }, {});
  const begin = { role: 'user' as const, content: 'x' };
  expect(await model.call([begin])).toBe('first');
  expect(await model.call([begin])).toBe('first');
  expect(await model.call([begin, { role: 'assistant', content: 'first' }, begin])).toBe('second');
  expect(await server.requests()).toHaveLength(3);
});

it('takes many calls at once', async () => {
  const answers = Array.from({ length: 200 }, () => ({ text: 'x' }));
  server = await startModelProcess({ answers });
  const model = createLLMBackend({ provider: 'openai-compatible', name: 'm', base_url: server.url }, {});
  await Promise.all(answers.map(() => model.call([{ role: 'user', content: 'x' }])));
  expect(model.totalApiCalls).toBe(200);
});
