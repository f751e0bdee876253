import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openBackends } from '../../src/backends/open.ts';
import type { JsonValue } from '../../src/types.ts';

const dir = mkdtempSync(join(tmpdir(), 'fm-signals-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it.each(['memory', `sqlite:${join(dir, 'store.db')}`])('a signal has its bounds in %s', async (url) => {
  const { signals, close } = await openBackends(url, {});
  try {
    const large = 'x'.repeat(16 * 1024 * 1024);
    await expect(signals.send('c', large)).rejects.toMatchObject({ code: 'too-large' });
    // The same text often: together longer than a text can be.
    const bomb = Array.from({ length: 40 }, () => large);
    await expect(signals.send('c', bomb)).rejects.toMatchObject({ code: 'too-large' });
    let deep: JsonValue = 1;
    for (let n = 0; n < 100_000; n++) deep = [deep];
    const refused = await signals.send('c', deep).catch((error: Error) => error);
    expect(refused).toMatchObject({ code: 'not-json' });
    expect((refused as Error).message.length).toBeLessThan(500);
    expect(await signals.queued('c')).toEqual([]);
    const data = JSON.parse('{"__proto__": {"a": 1}, "text": "\\u001b[2J"}') as JsonValue;
    await signals.send('__proto__', data);
    expect(JSON.stringify((await signals.queued('__proto__'))[0]?.data)).toBe(JSON.stringify(data));
  } finally {
    await close();
  }
});
