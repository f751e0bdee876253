import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it } from 'vitest';
import type { BackendSet } from '../../src/backends/interfaces.ts';
import { mixedUrl } from '../../src/backends/mixed-url.ts';
import { openBackends } from '../../src/backends/open.ts';
import { snapshotOf } from '../../src/conformance/backends/place.ts';
import { FlatMachine } from '../../src/flatmachine.ts';
import { stepKey } from '../../src/machine/snapshot.ts';
import { describeWith } from '../helpers/components.ts';
import { type HttpServer, startHttp, startLossyProxy } from '../helpers/servers/http-proxy.ts';
import { emptyStoreUrl, serverAvailability } from '../helpers/servers/shared.ts';
import { startWorker, useWorkers } from './spawn-worker.ts';

process.env.AWS_ACCESS_KEY_ID ??= 'test';
process.env.AWS_SECRET_ACCESS_KEY ??= 'test';

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function opened(url: string, onWarning = (_: string) => {}): Promise<BackendSet> {
  const set = await openBackends(url, { onWarning });
  closing.push(() => set.close());
  return set;
}

function kept(server: HttpServer): HttpServer {
  closing.push(() => server.close());
  return server;
}

const save = (set: BackendSet, id: string, step: number, fields = {}) =>
  set.persistence.save(stepKey(id, step), snapshotOf(id, step, fields));

describe('a store that cannot be trusted', () => {
  /** As much of S3 as it takes: objects by path, `If-None-Match` read over. */
  const ignorant = async () => {
    const objects = new Map<string, string>();
    return kept(
      await startHttp(async (incoming, response) => {
        const path = incoming.url as string;
        let body = '';
        for await (const chunk of incoming) body += chunk;
        if (incoming.method === 'PUT') objects.set(path, body);
        response.statusCode = incoming.method === 'PUT' || objects.has(path) ? 200 : 404;
        response.end(incoming.method === 'GET' ? objects.get(path) : '');
      }),
    );
  };

  it('is refused if it ignores If-None-Match', async () => {
    const { port } = await ignorant();
    const opening = openBackends(`s3://b/p?endpoint=http://127.0.0.1:${port}`);
    await expect(opening).rejects.toMatchObject({
      code: 'backend',
      message: expect.stringContaining('ignores If-None-Match'),
    });
  });

  it.each([
    [403, 'AccessDenied', 's3:PutObject'],
    [404, 'NoSuchBucket', 'Create the bucket'],
    [301, 'PermanentRedirect', 'region'],
  ])('is refused if it answers %i %s, with what to do', async (status, code, remedy) => {
    const answer = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>m</Message></Error>`;
    const { port } = kept(
      await startHttp((incoming, response) => {
        incoming.resume().on('end', () => {
          response.writeHead(status, { 'content-type': 'application/xml' });
          response.end(answer);
        });
      }),
    );
    const opening = openBackends(`s3://b/p?endpoint=http://127.0.0.1:${port}`);
    await expect(opening).rejects.toMatchObject({ code: 'backend', remedy: expect.stringContaining(remedy) });
  });

  it('is given up soon if it does not answer at all', async () => {
    const server = await startHttp(() => {});
    await server.close();
    const opening = openBackends(`s3://b/p?endpoint=http://127.0.0.1:${server.port}`);
    await expect(opening).rejects.toMatchObject({ code: 'backend' });
  });
});

describeWith('s3', 's3 under trouble', serverAvailability('s3'), () => {
  useWorkers();

  const endpointOf = (url: string) =>
    new URLSearchParams(url.slice(url.indexOf('?'))).get('endpoint') as string;
  const bucketOf = (url: string) => /^s3:\/\/([^/?]+)/.exec(url)?.[1] as string;

  /** The store itself, to break things in. */
  function directly(url: string) {
    const client = new S3Client({ endpoint: endpointOf(url), region: 'us-east-1', forcePathStyle: true });
    closing.push(async () => client.destroy());
    const Bucket = bucketOf(url);
    const prefix = new URLSearchParams(url.slice(url.indexOf('?'))).get('prefix') as string;
    return {
      async keys(below: string) {
        const page = await client.send(new ListObjectsV2Command({ Bucket, Prefix: `${prefix}/${below}` }));
        return (page.Contents ?? []).map(({ Key }) => Key as string);
      },
      async change(key: string, change: (text: string) => string) {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: key }));
        const Changed = change((await Body?.transformToString()) ?? '');
        await client.send(new PutObjectCommand({ Bucket, Key: key, Body: Changed }));
      },
    };
  }

  it('a write whose answer was lost is no conflict with itself', async () => {
    const url = emptyStoreUrl('s3');
    let armed = false;
    let lost = 0;
    const proxy = kept(
      await startLossyProxy(endpointOf(url), ({ method }) => {
        const loses = armed && method === 'PUT';
        if (loses) armed = false;
        if (loses) lost++;
        return loses;
      }),
    );
    const set = await opened(url.replace(endpointOf(url), `http://127.0.0.1:${proxy.port}`));
    for (let step = 0; step < 3; step++) {
      armed = true;
      await save(set, 'job', step);
      armed = true;
      await set.journal.append('job', step, 'k', step, null);
    }
    expect(lost).toBe(6);
    expect(await set.persistence.list('job/')).toEqual([0, 1, 2].map((step) => stepKey('job', step)));
    await expect(save(set, 'job', 2)).rejects.toMatchObject({ code: 'step-conflict' });
    expect(await set.journal.entries('job', 2)).toEqual(new Map([['k', 2]]));
  });

  it('a damaged newest record is passed over, told, and written anew', async () => {
    const url = emptyStoreUrl('s3');
    const warnings: string[] = [];
    const set = await opened(url, (message) => warnings.push(message));
    for (let step = 0; step < 3; step++) await save(set, 'job', step);
    const store = directly(url);
    const [newest] = await store.keys('steps/job/');
    await store.change(newest as string, (text) => text.slice(0, -20));
    expect((await set.persistence.latest('job'))?.step).toBe(1);
    expect((await set.persistence.history('job')).length).toBe(2);
    expect(warnings.join()).toMatch(/damaged and was skipped/);
    await save(set, 'job', 2, { context: { again: true } });
    expect((await set.persistence.latest('job'))?.context).toEqual({ again: true });
    expect(warnings.join()).toMatch(/step_000002 was damaged and is written anew/);
  });

  it('a damaged journal entry stops the work that would do it again', async () => {
    const url = emptyStoreUrl('s3');
    const set = await opened(url);
    await set.journal.append('job', 1, 'call.0', { paid: true }, null);
    const store = directly(url);
    const [entry] = await store.keys('journal/job/');
    await store.change(entry as string, (text) => text.replace('true', 'fals'));
    await expect(set.journal.entries('job', 1)).rejects.toMatchObject({ code: 'backend' });
  });

  it('the latest step is found in two requests, however many there are', async () => {
    const url = emptyStoreUrl('s3');
    let requests = 0;
    const proxy = kept(
      await startLossyProxy(endpointOf(url), () => {
        requests++;
        return false;
      }),
    );
    const set = await opened(url.replace(endpointOf(url), `http://127.0.0.1:${proxy.port}`));
    await Promise.all(Array.from({ length: 60 }, (_, step) => save(set, 'job', step)));
    requests = 0;
    expect((await set.persistence.latest('job'))?.step).toBe(59);
    expect(requests).toBe(2);
    expect((await set.persistence.executions()).map(({ step }) => step)).toEqual([59]);
    expect(requests).toBe(5);
  });

  it('names a result by its hash where its path is no plain word', async () => {
    const set = await opened(emptyStoreUrl('s3'));
    const paths = ['../../steps/job', 'a/b', '.', 'x'.repeat(3000), 'RESULT', 'result'];
    for (const path of paths) await set.results.write(`flatagents://job/${path}`, path);
    for (const path of paths) expect(await set.results.read(`flatagents://job/${path}`)).toBe(path);
    await set.persistence.deleteExecution('job');
    for (const path of paths) expect(await set.results.exists(`flatagents://job/${path}`)).toBe(false);
  });

  it('a holder that was stopped for longer than its lease writes nothing after another', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'flatmachine-s3-'));
    closing.push(async () => rmSync(dir, { recursive: true }));
    const url = mixedUrl({ persistence: emptyStoreUrl('s3'), locking: `sqlite:${join(dir, 'locks.db')}` });
    const [old, young] = await Promise.all([
      startWorker(url, { heartbeatInterval: 0.3 }),
      startWorker(url, { heartbeatInterval: 0.3 }),
    ]);
    const write = (worker: typeof old, step: number, fence: unknown) =>
      worker.call('persistence', 'save', stepKey('job', step), snapshotOf('job', step), { fence });
    expect(await old.call('locking', 'acquire', 'job')).toBe(true);
    const stale = await old.call('worker', 'lease', 'job');
    await write(old, 0, stale);
    await old.kill('SIGSTOP');
    while (!(await young.call('locking', 'acquire', 'job')))
      await new Promise((next) => setTimeout(next, 50));
    const fresh = await young.call('worker', 'lease', 'job');
    await write(young, 1, fresh);
    await old.kill('SIGCONT');
    await expect(write(old, 2, stale)).rejects.toThrow('lease-lost');
    await expect(write(old, 1, undefined)).rejects.toThrow('step-conflict');
    await write(young, 2, fresh);
    expect(await young.call('persistence', 'list', 'job/')).toEqual(
      [0, 1, 2].map((step) => stepKey('job', step)),
    );
  });

  it('runs and resumes a machine, with its locks elsewhere; alone it says what is missing', async () => {
    const home = emptyStoreUrl('s3');
    const source = {
      spec: 'flatmachine',
      spec_version: '1.0.0',
      data: {
        name: 'm',
        context: { n: 0 },
        states: {
          a: {
            type: 'initial',
            output_to_context: { n: '{{ context.n + 1 }}' },
            transitions: [{ condition: 'context.n == 3', to: 'b' }, { to: 'a' }],
          },
          b: { type: 'final', output: { n: 'context.n' } },
        },
      },
    };
    const machine = await FlatMachine.load(source, {
      backend: mixedUrl({ persistence: home, locking: 'memory:' }),
    });
    closing.push(() => machine.close());
    expect(await machine.execute({}, { id: 'x', maxSteps: 2 })).toMatchObject({ status: 'limit' });
    expect(await machine.resume('x', { maxSteps: 9 })).toMatchObject({
      status: 'completed',
      output: { n: 3 },
    });
    const alone = await FlatMachine.load(source, { backend: home });
    closing.push(() => alone.close());
    await expect(alone.execute({})).rejects.toMatchObject({
      code: 'backend',
      message: expect.stringContaining('keeps no leases'),
      remedy: expect.stringContaining('locking'),
    });
  });
});
