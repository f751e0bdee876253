import { afterEach, expect, it } from 'vitest';
import { McpServers } from '../../../src/execution/mcp/servers.ts';
import { passes } from '../../../src/execution/mcp/tool-names.ts';
import type { JsonObject } from '../../../src/types.ts';
import { agentCall } from '../../helpers/agent-call.ts';

const open: McpServers[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((servers) => servers.close()));
});

/** A server that answers with what `answers` has for the method, as it stands, and to what it does not have not at all. */
const PROGRAM = `
  const answers = JSON.parse(process.argv[1]);
  require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method } = JSON.parse(line);
    const answer = answers[method];
    if (answer !== undefined) process.stdout.write(answer.replaceAll('ID', id).replace(/MUCH/, () => 'x'.repeat(1.7e7)));
  });`;

const reply = (result: JsonObject): string =>
  `{"jsonrpc":"2.0","id":ID,"result":${JSON.stringify(result)}}\n`;
const hello = reply({
  protocolVersion: '2025-06-18',
  capabilities: { tools: {} },
  serverInfo: { name: 's', version: '1' },
});
const tool = (name: string) => ({ name, inputSchema: { type: 'object' } });

function servers(answers: Record<string, string>, timeout = 5): McpServers {
  const box = { command: process.execPath, args: ['-e', PROGRAM, JSON.stringify(answers)], timeout };
  const made = new McpServers({ servers: { box } }, { agent: 'coder', dir: '.', env: process.env });
  open.push(made);
  return made;
}

const { signal } = new AbortController();

it('passes over what a server prints between its messages', async () => {
  const list = reply({ tools: [tool('a')] });
  const noisy = `Starting!\n{"not": "a message"}\n\n`;
  const tools = await servers({ initialize: `${noisy}${hello}`, 'tools/list': `${noisy}${list}` }).tools(
    signal,
  );
  expect(tools.map(({ name }) => name)).toEqual(['box__a']);
});

it('ends a server whose list of tools never ends', async () => {
  const page = reply({ tools: [], nextCursor: 'again' });
  await expect(servers({ initialize: hello, 'tools/list': page }, 0.7).tools(signal)).rejects.toMatchObject({
    code: 'tool',
    message: expect.stringContaining('timed out after 0.7 s'),
  });
  const many = reply({ tools: Array.from({ length: 300 }, (_, n) => tool(`t${n}`)), nextCursor: 'again' });
  await expect(servers({ initialize: hello, 'tools/list': many }).tools(signal)).rejects.toMatchObject({
    message: expect.stringContaining('more than 1000 tools'),
  });
});

it('ends a server that says more than anybody can hold, and says so', async () => {
  const tools = await servers({
    initialize: hello,
    'tools/list': reply({ tools: [tool('a')] }),
    'tools/call': '"MUCH',
  }).tools(signal);
  const call = { ...agentCall(), callId: 'c', context: {}, timeout: 10 };
  const started = performance.now();
  await expect(tools[0]!.run({}, call)).rejects.toMatchObject({
    code: 'tool',
    message: expect.stringContaining('a message of more than 16 MB'),
  });
  expect(performance.now() - started).toBeLessThan(5000);
});

it('does not wait for a server that never answers when the run ends', async () => {
  const silent = servers({}, 30);
  const asked = silent.tools(signal);
  asked.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 300));
  const started = performance.now();
  await silent.close();
  expect(performance.now() - started).toBeLessThan(3000);
  await expect(asked).rejects.toMatchObject({ code: 'tool' });
});

it('compares names with patterns in no time', () => {
  const started = performance.now();
  const filter = { allow: ['*a*a*a*a*a*a*b', 'x?*'], deny: [] };
  expect(passes(filter, 'box', 'a'.repeat(100_000))).toBe(false);
  expect(passes(filter, 'box', 'xyz')).toBe(true);
  expect(passes(filter, 'box', 'x')).toBe(false);
  expect(passes(filter, 'box', 'a.a a\naaaabab')).toBe(true);
  expect(performance.now() - started).toBeLessThan(500);
});
