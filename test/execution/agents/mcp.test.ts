import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { McpServers } from '../../../src/execution/mcp/servers.ts';
import { passes, toolName } from '../../../src/execution/mcp/tool-names.ts';
import type { Tool, ToolInvocation } from '../../../src/execution/tools/interfaces.ts';
import type { JsonObject } from '../../../src/types.ts';
import { agentCall, fromEnv } from '../../helpers/agent-call.ts';

const program = fileURLToPath(new URL('../../helpers/mcp-server.mjs', import.meta.url));
const stdio = (...args: string[]): JsonObject => ({ command: process.execPath, args: [program, ...args] });
const { signal } = new AbortController();

const open: McpServers[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((servers) => servers.close()));
});

function servers(mcp: JsonObject, env: Record<string, string> = {}): McpServers {
  const made = new McpServers(mcp, { agent: 'coder', dir: process.cwd(), env: { ...process.env, ...env } });
  open.push(made);
  return made;
}

function call(tools: readonly Tool[], name: string, args: JsonObject = {}, of: Partial<ToolInvocation> = {}) {
  const tool = tools.find((each) => each.name === name);
  if (!tool) throw new Error(`no tool ${name} in ${tools.map((each) => each.name).join(', ')}`);
  return tool.run(args, { ...agentCall(), callId: 'c1', context: {}, timeout: 10, ...of });
}

/** Whether a process runs; one that is dead and not yet reaped does not. */
function alive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('MCP servers over stdio', () => {
  it('offers the tools that the filter lets through, and calls them', async () => {
    const tools = await servers(
      {
        servers: { box: { ...stdio(), env: { SECRET: `${fromEnv('TOKEN')}!` } } },
        tool_filter: { deny: ['box:c*', 'hang'] },
      },
      { TOKEN: 'sesame' },
    ).tools(signal);
    expect(tools.map(({ name }) => name)).toEqual([
      'box__echo',
      'box__fail',
      expect.stringMatching(/^box__odd_name_\w{8}$/),
    ]);
    expect(tools[0]).toMatchObject({
      description: 'Says it again.',
      parameters: { type: 'object', required: ['text'] },
    });
    expect(await call(tools, 'box__echo', { text: 'hello' })).toEqual({ content: 'hello sesame!' });
    expect(await call(tools, 'box__fail')).toEqual({ content: 'it failed', is_error: true });
    // What the server refuses is for the model to hear.
    expect(await call(tools, 'box__echo', { text: 7 })).toMatchObject({ is_error: true });
  });

  it('gives a tool the time of the call and no more', async () => {
    const tools = await servers({ servers: { box: stdio() } }).tools(signal);
    await expect(call(tools, 'box__hang', {}, { timeout: 0.2 })).rejects.toMatchObject({
      code: 'tool',
      message: expect.stringContaining('did not answer in 0.2 s'),
    });
    const stop = new AbortController();
    const reason = new Error('stop');
    setTimeout(() => stop.abort(reason), 50);
    await expect(call(tools, 'box__hang', {}, { signal: stop.signal })).rejects.toBe(reason);
    expect(await call(tools, 'box__echo', { text: 'still here' })).toEqual({ content: 'still here' });
  });

  it('says how a server died, and starts it again when tools are asked for next', async () => {
    const box = servers({ servers: { box: stdio() } });
    const tools = await box.tools(signal);
    await expect(call(tools, 'box__crash')).rejects.toMatchObject({
      code: 'tool',
      details: { server: 'box', retryable: true },
    });
    await expect(call(tools, 'box__echo', { text: 'x' })).rejects.toMatchObject({
      code: 'tool',
      message: expect.stringMatching(/ended with code 3: the roof is on fire/),
    });
    expect(await call(await box.tools(signal), 'box__echo', { text: 'x' })).toEqual({ content: 'x' });
  });

  it('ends a server with all that it started', async () => {
    const box = servers({ servers: { box: stdio() } });
    const { content } = await call(await box.tools(signal), 'box__child');
    const pid = Number(content);
    expect(alive(pid)).toBe(true);
    await box.close();
    await sleep(50);
    expect(alive(pid)).toBe(false);
    await expect(box.tools(signal)).rejects.toMatchObject({ code: 'tool' });
  });

  it('ends one that does not want to end', async () => {
    const box = servers({ servers: { box: stdio('--stubborn') } });
    await box.tools(signal);
    const started = performance.now();
    await box.close();
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it.each([
    ['is not there', { command: '/no/such/program' }, 'ENOENT'],
    ['never answers', { ...stdio('--deaf'), timeout: 0.3 }, 'timed out'],
    [
      'ends at once',
      { command: 'sh', args: ['-c', 'echo no license >&2; exit 4'] },
      'ended with code 4: no license',
    ],
  ])('says that a server %s', async (_what, server, message) => {
    await expect(servers({ servers: { box: server } }).tools(signal)).rejects.toMatchObject({
      code: 'tool',
      message: expect.stringContaining(message),
    });
  });

  it('needs the variables that it is told to take', () => {
    expect(() =>
      servers({ servers: { box: { ...stdio(), env: { A: fromEnv('NOT_THERE_AT_ALL') } } } }),
    ).toThrow(/NOT_THERE_AT_ALL is not set/);
  });
});

describe('MCP servers over HTTP', () => {
  it('sends its headers, calls tools, and says when it is not let in', async () => {
    const child = spawn(process.execPath, [program, '--http'], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
      const web = servers(
        { servers: { web: { server_url: url, headers: { authorization: `Bearer ${fromEnv('TOKEN')}` } } } },
        { TOKEN: 'open sesame' },
      );
      const tools = await web.tools(signal);
      expect(await call(tools, 'web__echo', { text: 'hello' })).toEqual({ content: 'hello' });
      await expect(call(tools, 'web__hang', {}, { timeout: 0.2 })).rejects.toMatchObject({ code: 'tool' });
      await expect(servers({ servers: { web: { server_url: url } } }).tools(signal)).rejects.toMatchObject({
        code: 'tool',
      });
      child.kill('SIGKILL');
      await once(child, 'exit');
      await expect(call(tools, 'web__echo', { text: 'x' })).rejects.toMatchObject({ code: 'tool' });
    } finally {
      child.kill('SIGKILL');
    }
  });
});

describe('names of tools', () => {
  it('are those every provider takes, and never the same for two tools', () => {
    expect(toolName('git', 'log')).toBe('git__log');
    const long = toolName('server', 'x'.repeat(100));
    expect(long).toHaveLength(64);
    expect(long).not.toBe(toolName('server', `${'x'.repeat(100)}y`));
    expect(toolName('a', 'b.c')).not.toBe(toolName('a', 'b c'));
  });

  it.each([
    [{ allow: null, deny: [] }, true],
    [{ allow: ['git:*'], deny: [] }, true],
    [{ allow: ['git:l?g'], deny: [] }, true],
    [{ allow: ['log'], deny: [] }, true],
    [{ allow: ['git__log'], deny: [] }, true],
    [{ allow: ['fs:*'], deny: [] }, false],
    [{ allow: [], deny: [] }, false],
    [{ allow: ['git:*'], deny: ['*:log'] }, false],
    [{ allow: ['git.log'], deny: [] }, false],
  ])('%j lets git:log through: %s', (filter, expected) => {
    expect(passes(filter, 'git', 'log')).toBe(expected);
  });
});
