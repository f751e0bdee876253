/**
 * An MCP server for tests, over stdio or, with `--http`, over HTTP (writes its URL, one line, to stdout).
 * Tools: `echo` (says what it was told, and the environment variable SECRET), `fail`, `hang`, `crash`, `child` (starts a process that outlives it, and SIGTERM), and one whose
 * name no provider takes.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';

function makeServer() {
  const server = new McpServer({ name: 'test', version: '1.0.0' });
  const say = (text) => ({ content: [{ type: 'text', text }] });
  server.registerTool(
    'echo',
    { description: 'Says it again.', inputSchema: { text: z.string() } },
    ({ text }) => say(`${text} ${process.env.SECRET ?? ''}`.trim()),
  );
  server.registerTool('fail', { description: 'Fails.' }, () => ({ ...say('it failed'), isError: true }));
  server.registerTool('hang', { description: 'Never answers.' }, () => new Promise(() => {}));
  server.registerTool('crash', { description: 'Ends the server.' }, () => {
    process.stderr.write('the roof is on fire\n');
    process.exit(3);
  });
  server.registerTool('child', { description: 'Starts a process.' }, () => {
    const child = spawn('sh', ['-c', 'trap "" TERM; exec sleep 600'], { stdio: 'ignore' });
    return say(String(child.pid));
  });
  server.registerTool('odd.name', { description: 'Has an odd name.' }, () => say('odd'));
  return server;
}

if (process.argv.includes('--deaf')) {
  setInterval(() => {}, 1000);
} else if (process.argv.includes('--stubborn')) {
  process.on('SIGTERM', () => {});
  setInterval(() => {}, 1000);
  await makeServer().connect(new StdioServerTransport());
} else if (process.argv.includes('--http')) {
  const sessions = new Map();
  const http = createServer(async (request, response) => {
    if (request.headers.authorization !== 'Bearer open sesame') {
      response.writeHead(401).end();
      return;
    }
    let transport = sessions.get(request.headers['mcp-session-id']);
    if (!transport) {
      transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (id) => sessions.set(id, transport),
      });
      await makeServer().connect(transport);
    }
    await transport.handleRequest(request, response);
  });
  http.listen(0, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${http.address().port}/mcp\n`));
} else {
  await makeServer().connect(new StdioServerTransport());
}
