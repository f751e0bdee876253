// The server that http-agent.yml asks: node http-agent-server.mjs PORT
import { createServer } from 'node:http';

const answers = new Map();

const server = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  const { input } = JSON.parse(body);
  // The key is the same when a crash makes the call again: an answer that is kept by it is paid for once.
  const key = request.headers['idempotency-key'];
  const answer = answers.get(key) ?? {
    output: { steps: [`read about ${input.topic}`, `write about ${input.topic}`] },
    cost: 0.002,
  };
  answers.set(key, answer);
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(answer));
});

server.listen(Number(process.argv[2] ?? 8123), '127.0.0.1', () => {
  process.stdout.write(`listening on ${server.address().port}\n`);
});
