import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBackends } from '../../src/backends/open.ts';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'flatmachine-open-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

describe('openBackends', () => {
  it('opens memory under both names', async () => {
    for (const url of ['memory', 'memory:']) {
      const set = await openBackends(url);
      expect([set.url, set.durability]).toEqual(['memory:', 'none']);
      await set.close();
    }
  });

  it('creates the file and its directory for the owner alone', async () => {
    const file = join(directory, 'a', 'b', 'store.db');
    const set = await openBackends(`sqlite:${file}`);
    expect(statSync(join(directory, 'a')).mode & 0o777).toBe(0o700);
    for (const name of [file, `${file}-wal`]) expect(statSync(name).mode & 0o777).toBe(0o600);
    expect([set.url, set.durability]).toEqual([`sqlite:${file}`, 'power-loss']);
    await set.close();
  });

  it('takes the durability from the URL, and from the options before that', async () => {
    const url = `sqlite:${join(directory, 'store.db')}?durability=process-crash`;
    const [fromUrl, fromOptions] = [
      await openBackends(url),
      await openBackends(url, { durability: 'power-loss' }),
    ];
    expect([fromUrl.durability, fromOptions.durability]).toEqual(['process-crash', 'power-loss']);
    await Promise.all([fromUrl.close(), fromOptions.close()]);
  });

  it.each([
    ['mongodb://host', 'unknown-backend'],
    ['s3://', 'usage'],
    ['s3://key:secret@bucket', 'usage'],
    ['s3://bucket?path_style=maybe', 'usage'],
    ['s3://bucket/a/../b', 'usage'],
    ['consul://host/path', 'usage'],
    ['consul://host?tls=perhaps', 'usage'],
    ['', 'unknown-backend'],
    ['__proto__:x', 'unknown-backend'],
    ['toString', 'unknown-backend'],
    ['sqlite:', 'usage'],
    ['sqlite', 'usage'],
    ['sqlite:x.db?durability=some', 'usage'],
    ['sqlite:x.db?sync=off', 'usage'],
    ['sqlite:x.db?durability=none', 'usage'],
    ['sqlite:/proc/nowhere/store.db', 'backend'],
  ])('refuses %j', async (url, code) => {
    await expect(openBackends(url)).rejects.toMatchObject({ code });
  });

  it('lists what there is', async () => {
    await expect(openBackends('mongodb://host')).rejects.toThrow(
      '"mongodb"; there are: memory, local, sqlite',
    );
  });

  it('refuses a heartbeat interval that is none', async () => {
    for (const heartbeatInterval of [0, -1, Number.NaN]) {
      const opening = openBackends(`sqlite:${join(directory, 'x.db')}`, { heartbeatInterval });
      await expect(opening).rejects.toMatchObject({ code: 'usage' });
    }
  });

  it('refuses a file that is no database', async () => {
    const file = join(directory, 'notes.txt');
    writeFileSync(file, 'these are notes, and quite long ones. '.repeat(100));
    chmodSync(file, 0o600);
    await expect(openBackends(`sqlite:${file}`)).rejects.toMatchObject({ code: 'backend' });
  });

  it('loads no driver that is not used', async () => {
    const script = fileURLToPath(new URL('./fixtures/memory-only.ts', import.meta.url));
    const outdir = join(directory, 'out');
    const format = 'esm';
    await build({
      entryPoints: [script],
      outdir,
      bundle: true,
      splitting: true,
      platform: 'node',
      format,
      packages: 'external',
    });
    writeFileSync(join(outdir, 'package.json'), '{"type":"module"}');
    // better-sqlite3 cannot be found from there: importing it would fail.
    const out = execFileSync(process.execPath, [join(outdir, 'memory-only.js')], { encoding: 'utf8' });
    expect(out).toBe('memory:');
  });
});
