import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { mixedUrl } from '../../src/backends/mixed-url.ts';
import { openBackends } from '../../src/backends/open.ts';
import { reopenUrl } from '../../src/backends/reopen.ts';
import { withoutSecrets } from '../../src/backends/url.ts';

it.each([
  ['redis://u:geheim@h:6379/0?prefix=a@b', 'redis://u:***@h:6379/0?prefix=a@b'],
  ['redis://:geh/eim@h/0', 'redis://:***@h/0'],
  ['redis://:geh?eim#geheim@h/0', 'redis://:***@h/0'],
  ['redis://:geh@eim@h/0', 'redis://:***@h/0'],
  ['s3://KEY:geh/eim+geheim@bucket/x', 's3://KEY:***@bucket/x'],
  ['postgres://h:5432/db?options=a@b', 'postgres://h:5432/db?options=a@b'],
  ['postgres://u:geheim@h/db?password=geheim&schema=s', 'postgres://u:***@h/db?password=***&schema=s'],
  ['sqlite:a:b@c.db', 'sqlite:a:b@c.db'],
])('%s is shown without its secrets', (url, shown) => {
  expect(withoutSecrets(url)).toBe(shown);
  expect(withoutSecrets(mixedUrl({ persistence: 'memory:', locking: url }))).toBe(
    mixedUrl({ persistence: 'memory:', locking: shown }),
  );
});

it.each([
  's3://KEY:geh/eim@bucket',
  's3://KEY:geheim@bucket',
  's3://bucket?endpoint=http://KEY:geheim@host:9000',
  's3://bucket?endpoint=geheim.host:9000',
  'consul://u:geheim@host',
  'redis://:geh/eim@h',
  'postgres://u:geh/eim@h:x/db',
])('%s is refused, not shown', async (url) => {
  const error = (await openBackends(url).catch((thrown: unknown) => thrown)) as Error;
  expect(error).toMatchObject({ code: 'usage' });
  expect(JSON.stringify([error.message, error])).not.toMatch(/geh|eim/);
});

it('a URL to open a set again says what the options said', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'flatmachine-reopen-'));
  const [a, b] = [`local:${dir}/a`, `sqlite:${dir}/b.db?durability=power-loss`];
  for (const url of [b, mixedUrl({ persistence: a, locking: b })]) {
    const set = await openBackends(url, { durability: 'process-crash' });
    const again = await openBackends(reopenUrl(set));
    expect([again.url, again.durability]).toEqual([set.url, 'process-crash']);
    await Promise.all([set.close(), again.close()]);
  }
  rmSync(dir, { recursive: true });
});
