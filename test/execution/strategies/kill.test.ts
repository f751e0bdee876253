import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { cli, directoryWith } from '../../helpers/cli.ts';

/** An agent behind HTTP that refuses the first try of `work`, and keeps the idempotency keys it was asked under. */
async function startAgent(): Promise<{ url: string; asked: string[]; server: Server }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const key = String(request.headers['idempotency-key']);
    asked.push(key);
    request.resume().on('end', () => {
      const refused = key === 'killed.2/call.0';
      response.writeHead(refused ? 503 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(refused ? { error: 'busy' } : { output: { call: key }, cost: 1 }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, asked, server };
}

const machine = (url: string) => `
spec: flatmachine
spec_version: 1.0.0
data:
  name: killed
  settings: { max_concurrency: 1 }
  context: { samples: null, again: null }
  agents:
    far: { type: http, config: { url: '${url}' } }
  states:
    sample:
      agent: far
      execution: { type: parallel, n_samples: 3 }
      output_to_context: { samples: output.count }
      transitions: [{ to: retry }]
    retry:
      agent: far
      execution: { type: retry, backoffs: [0.01] }
      output_to_context: { again: output.call }
      transitions: [{ to: done }]
    done:
      type: final
      output:
        samples: context.samples
        again: context.again
        calls: context.machine.total_api_calls
        cost: context.machine.total_cost
`;

const CALLS = ['killed.1/call.0', 'killed.1/call.1', 'killed.1/call.2', 'killed.2/call.0', 'killed.2/call.1'];

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

describe('kill -9 around the calls of agents', () => {
  test.each([
    { at: 'call.before#2', repeated: [] },
    { at: 'call.made#2', repeated: ['killed.1/call.1'] },
    { at: 'call.journaled#2', repeated: [] },
    { at: 'call.journaled#4', repeated: [] },
    { at: 'call.made#5', repeated: ['killed.2/call.1'] },
  ])('$at: no call is made again but the one under way', async ({ at, repeated }) => {
    const { url, asked, server } = await startAgent();
    const directory = directoryWith({ 'machine.yml': machine(url) });
    closing.push(() => {
      server.close();
      server.closeAllConnections();
      rmSync(directory, { recursive: true, force: true });
    });
    const env = { FLATMACHINE_CRASH_AT: at };
    const killed = await cli(['run', 'machine.yml', '--id', 'killed', '--quiet'], { cwd: directory, env });
    expect(killed).toMatchObject({ signal: 'SIGKILL' });
    const resumed = await cli(['resume', 'killed', '--quiet'], { cwd: directory });
    expect(resumed).toMatchObject({ code: 0 });
    expect(JSON.parse(resumed.stdout)).toEqual({ samples: 3, again: 'killed.2/call.1', calls: 5, cost: 4 });
    expect([...asked].sort()).toEqual([...CALLS, ...repeated].sort());
  });
});
