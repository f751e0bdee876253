import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/package-root.ts';
import { cli, directoryWith } from '../helpers/cli.ts';
import { FILES } from './machines.ts';

let cwd: string;
const at = (...args: string[]) => cli(args, { cwd });

beforeAll(() => {
  cwd = directoryWith({
    ...FILES,
    'sub/warned.yml': FILES['hello.yml'].replace('spec_version: "1.0.0"\n', ''),
    'sub/other.yml': 'kind: something else\nspec: flatfish\n',
    'node_modules/x/bad.yml': 'spec: flatmachine\ndata: 1\n',
  });
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

describe('lint', () => {
  it('finds machines in directories, and says how many', async () => {
    const { code, stdout, stderr } = await at('lint', '.', '--format', 'simple');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '3 files, 0 errors, 1 warning\n' });
    expect(stdout).toMatch(/^sub\/warned\.yml:\d+:\d+ {2}warning missing-spec-version {2}.*\n$/);
  });

  it('reports every broken machine with its rule, its place and a remedy', async () => {
    const broken = join(packageRoot(), 'test', 'fixtures', 'broken');
    const { code, stdout, stderr } = await cli(['lint', 'test/fixtures/broken', '--format', 'json'], {
      cwd: packageRoot(),
    });
    expect(code).toBe(1);
    const found = JSON.parse(stdout) as {
      code: string;
      remedy: string;
      location: { file: string; line: number };
    }[];
    for (const file of readdirSync(broken).filter((name) => /\.(yml|json)$/.test(name))) {
      const rule = file.replace(/\.\w+$/, '');
      const hits = found.filter(({ location }) => location.file.endsWith(`/${file}`));
      expect(hits.map(({ code }) => code)).toContain(rule);
      expect(hits.every(({ remedy, location }) => remedy !== '' && location.line > 0)).toBe(true);
    }
    expect(stderr).toMatch(/^\d+ files, \d+ errors, \d+ warnings\n$/);
  });

  it('exits with 2 when nothing was linted, and takes files that are named as they are', async () => {
    mkdirSync(join(cwd, 'empty'), { recursive: true });
    expect(await at('lint', 'empty')).toMatchObject({ code: 2, stdout: '' });
    expect(await at('lint', 'absent.yml')).toMatchObject({ code: 2, stdout: '' });
    const explicit = await at('lint', 'sub/other.yml', '--format', 'json');
    expect(explicit.code).toBe(1);
    expect(JSON.parse(explicit.stdout)).toMatchObject([{ code: 'not-a-machine' }]);
  });

  it('shows the place', async () => {
    writeFileSync(join(cwd, 'bad.yml'), FILES['hello.yml'].replace('to: done', 'to: doen'));
    const { code, stdout } = await at('lint', 'bad.yml');
    expect(code).toBe(1);
    expect(stdout).toMatch(/bad\.yml:8:15 {2}error unknown-target .*\n 8 \| {9}- to: doen\n +\| +\^\n/);
    rmSync(join(cwd, 'bad.yml'));
  });
});

describe('graph', () => {
  const starts = {
    mermaid: /^stateDiagram-v2\n/,
    dot: /^digraph "hello" \{\n/,
    svg: /^<svg /,
    json: /^\{\n/,
  };
  for (const [format, start] of Object.entries(starts)) {
    it(`draws ${format}`, async () => {
      const { code, stdout } = await at('graph', 'hello.yml', '--format', format);
      expect(code).toBe(0);
      expect(stdout).toMatch(start);
      expect(stdout).toContain('done');
    });
  }

  it('refuses what has no states', async () => {
    expect(await at('graph', 'sub/other.yml')).toMatchObject({ code: 2, stdout: '' });
    expect(await at('graph', 'absent.yml')).toMatchObject({ code: 2, stdout: '' });
    expect(await at('graph', 'hello.yml', '--format', 'png')).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('init', () => {
  it('writes a machine that lints clean and runs, and never overwrites one', async () => {
    expect(await at('init', 'new/dir')).toMatchObject({ code: 0, stdout: 'new/dir/machine.yml\n' });
    const text = readFileSync(join(cwd, 'new/dir/machine.yml'), 'utf8');
    expect(text).toMatch(/^# yaml-language-server: \$schema=\S+flatmachine\.schema\.json\n/);
    expect(await at('lint', 'new')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '1 file, 0 errors, 0 warnings\n',
    });
    const { stdout } = await at('run', 'new/dir/machine.yml', '--input', '{"name":"Ada"}');
    expect(JSON.parse(stdout)).toEqual({ greeting: 'Hello Ada, counted to 3', count: 3 });
    expect(await at('init', 'new/dir')).toMatchObject({ code: 2, stdout: '' });
    expect(readFileSync(join(cwd, 'new/dir/machine.yml'), 'utf8')).toBe(text);
  });
});

describe('schema, doctor, help', () => {
  it('prints a schema, or says which there are', async () => {
    expect(JSON.parse((await at('schema', 'flatmachine')).stdout).title).toBe('FlatMachine');
    const unknown = await at('schema', 'nope');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/There are: .*flatmachine.*snapshot/);
  });

  it('says what this machine can do and leaves nothing behind', async () => {
    const elsewhere = directoryWith({});
    const { code, stdout } = await cli(['doctor', '--json'], { cwd: elsewhere });
    const found = JSON.parse(stdout);
    expect(code).toBe(found.ok ? 0 : 1);
    expect(found.checks.map(({ name }: { name: string }) => name)).toEqual([
      'node',
      'better-sqlite3',
      'state directory',
    ]);
    const local = found.runners.find(({ name }: { name: string }) => name === 'local');
    expect(local).toMatchObject({ available: true, isolation: expect.any(String) });
    for (const { available, remedy } of found.runners) expect(available || remedy !== null).toBe(true);
    expect((await cli(['doctor'], { cwd: elsewhere })).stdout).toMatch(/✔ local/);
    expect(readdirSync(elsewhere)).toEqual([]);
    rmSync(elsewhere, { recursive: true });
  });

  it('explains itself on stdout', async () => {
    const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));
    expect(await at('--version')).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
    expect(await at('help', 'resume')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('--allow-drift'),
    });
    const { stdout } = await at('--help');
    for (const name of [
      'run',
      'resume',
      'lint',
      'graph',
      'ls',
      'show',
      'history',
      'logs',
      'cancel',
      'gc',
      'init',
      'schema',
      'doctor',
    ]) {
      expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    }
  });
});
