import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/types.ts';
import { load } from '../../helpers/machine.ts';
import { type ModelAnswer, type ModelServer, startModelServer } from '../../helpers/model-server.ts';

const program = fileURLToPath(new URL('../../helpers/mcp-server.mjs', import.meta.url));

let server: ModelServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

async function serve(...answers: ModelAnswer[]): Promise<string> {
  server = await startModelServer({ answers });
  return server.url;
}

/** One state that calls an agent whose model is where the input says. */
function calling(agent: JsonObject, state: JsonObject): JsonObject {
  const model = { provider: 'openai-compatible', name: 'm', base_url: '{{ input.base_url }}' };
  return {
    agents: { helper: { spec: 'flatagent', data: { model, user: '{{ input.ask }}', ...agent } } },
    states: {
      ask: {
        type: 'initial',
        agent: 'helper',
        input: { base_url: 'input.base_url', ask: 'input.ask' },
        output_to_context: { got: 'output' },
        transitions: [{ to: 'done' }],
        ...state,
      },
      done: { type: 'final', output: { got: 'context.got', cost: 'context.machine.total_cost' } },
    },
  };
}

/** Processes that run the MCP server of these tests. */
function mcpProcesses(marker: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(marker);
      } catch {
        return false;
      }
    });
}

describe('a flatagent in a machine', () => {
  it('is retried as the provider asks, and what it cost is counted', async () => {
    const base_url = await serve(
      { fault: 'rate-limit', headers: { 'retry-after-ms': '30' } },
      { text: 'no JSON' },
      { text: '{"n": 1}', cost: 0.5 },
    );
    const machine = await load(
      calling({ output: { n: { type: 'int' } } }, { execution: { type: 'retry', backoffs: [0, 0, 0] } }),
    );
    const result = await machine.execute({ base_url, ask: 'x' });
    expect(result).toMatchObject({ status: 'completed', output: { got: { n: 1 }, cost: 0.5 } });
    expect(server?.requests).toHaveLength(3);
  });

  it('routes its errors by type', async () => {
    const base_url = await serve({ fault: 'context-length' });
    const machine = await load(calling({}, { on_error: { ContextLengthError: 'done' } }));
    expect(await machine.execute({ base_url, ask: 'x' })).toMatchObject({ status: 'completed' });
  });

  it('uses the tools of MCP servers in a loop, and leaves no process', async () => {
    const marker = `--marker=${process.pid}-${Date.now()}`;
    const base_url = await serve(
      { tool_calls: [{ id: 'c1', name: 'box__echo', arguments: { text: 'ping' } }] },
      { text: 'It said ping.' },
    );
    const mcp = { servers: { box: { command: process.execPath, args: [program, marker] } } };
    const machine = await load(calling({ mcp, system: 'Use the tools.' }, { tool_loop: true }));
    const result = await machine.execute({ base_url, ask: 'x' });
    expect(result).toMatchObject({
      status: 'completed',
      output: { got: { content: 'It said ping.', tool_calls: 1 } },
    });
    expect(server?.requests[1]?.body.messages?.at(-1)).toEqual({
      role: 'tool',
      tool_call_id: 'c1',
      content: 'ping',
    });
    await machine.close();
    expect(mcpProcesses(marker)).toEqual([]);
  });
});
