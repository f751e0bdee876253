import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/package-root.ts';
import { build, type CliResult, cli, directoryWith, startCli } from '../helpers/cli.ts';
import { describeWith } from '../helpers/components.ts';
import { freePort } from '../helpers/servers/process.ts';
import {
  emptyStoreUrl,
  type SharedServer,
  serverAvailability,
  serverUrl,
} from '../helpers/servers/shared.ts';
import { FILES } from './waiting-machines.ts';

process.env.AWS_ACCESS_KEY_ID ??= 'test';
process.env.AWS_SECRET_ACCESS_KEY ??= 'test';

const HELLO = join(packageRoot(), 'machines', 'hello.yml');
const MANY = join(packageRoot(), 'test', 'fixtures', 'crash', 'many.yml');

/** Ten seconds of steps. */
const LONG = `spec: flatmachine
spec_version: "1.0.0"
data:
  name: long
  hooks: { file: ./note.mjs, class: Note }
  context: { left: 200 }
  states:
    work:
      action: note
      input: { text: long, ms: 50 }
      output_to_context: { left: "{{ context.left - 1 }}" }
      transitions: [{ condition: context.left > 0, to: work }, { to: done }]
    done: { type: final }
`;

/** A store as a person names it on the command line, with nothing in it. */
interface Store {
  name: string;
  /** The server that it needs. */
  server?: SharedServer;
  url(): string;
  /** What doctor says of it. */
  doctor: readonly object[];
  /** Whether it keeps signals. */
  signals: boolean;
}

const SQLITE = { ok: true, version: expect.stringMatching(/^SQLite 3\./), durability: 'power-loss' };
const FILES_STORE = { ok: true, version: null, keeps: ['executions', 'leases', 'results'] };

const STORES: readonly Store[] = [
  { name: 'sqlite', url: () => 'sqlite:kept/runs.db', doctor: [SQLITE], signals: true },
  { name: 'local', url: () => 'local:kept/runs', doctor: [FILES_STORE], signals: false },
  {
    name: 'redis',
    server: 'redis',
    url: () => emptyStoreUrl('redis'),
    doctor: [{ ok: true, version: expect.stringMatching(/^(Redis|Valkey) \d/) }],
    signals: true,
  },
  {
    name: 'postgres',
    server: 'postgres',
    url: () => emptyStoreUrl('postgres'),
    doctor: [{ ok: true, version: expect.stringMatching(/^PostgreSQL \d/) }],
    signals: true,
  },
  {
    name: 'steps in s3, leases in sqlite',
    server: 's3',
    url: () => `mixed:?persistence=${encodeURIComponent(emptyStoreUrl('s3'))}&locking=sqlite:kept/locks.db`,
    doctor: [{ ok: true, version: null, keeps: ['executions', 'results'] }, SQLITE],
    signals: false,
  },
];

const directories: string[] = [];
let elsewhere: string;

function place(): string {
  const directory = directoryWith({ ...FILES, 'long.yml': LONG });
  directories.push(directory);
  return directory;
}

beforeAll(() => {
  elsewhere = place();
});
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** The URL that a hint of how to go on names, unquoted. */
function hinted({ stderr }: CliResult): string {
  const [, quoted, bare] = /--backend (?:'([^']*)'|(\S+))/.exec(stderr) ?? [];
  return (quoted ?? bare) as string;
}

async function json(args: readonly string[], cwd: string): Promise<unknown> {
  const { stdout, stderr } = await cli([...args, '--json'], { cwd });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

describe.concurrent('every store on the command line', () => {
  for (const store of STORES) {
    const { name, server } = store;
    const body = () => testStore(store);
    if (server === undefined) describe(name, body);
    else describeWith(server, name, serverAvailability(server), body);
  }
});

function testStore(store: Store): void {
  const { server, url, signals } = store;
  it('run, resume from anywhere, look, move and delete', { timeout: 60_000 }, () => life(store));
  it('a run is cancelled by another process', () => cancel(url()));
  if (signals) it('a worker that waits is woken by a signal', () => wake(url()));
  else it('it says that it keeps no signals', () => refuseSignals(url()));
  if (server !== undefined && signals) it('kill -9 of a parent', { timeout: 60_000 }, () => crash(url()));
}

async function life({ server, url, doctor }: Store): Promise<void> {
  const cwd = place();
  const there = ['--backend', url()];
  expect(await json(['ls', ...there], cwd)).toEqual([]);
  // Looking makes no store.
  if (server === undefined) expect(existsSync(join(cwd, 'kept'))).toBe(false);
  const run = await cli(['run', HELLO, '--id', 'h', '--max-steps', '2', '--quiet', ...there], { cwd });
  expect(run).toMatchObject({ code: 3, stdout: '' });
  const anywhere = ['--backend', hinted(run)];
  const [resumed, listed] = await Promise.all([
    cli(['resume', 'h', '--max-steps', '9', '--quiet', ...anywhere], { cwd: elsewhere }),
    cli(['run', HELLO, '--id', 'other', '--quiet', ...there], { cwd }),
  ]);
  expect(resumed).toMatchObject({ code: 0 });
  expect(listed).toMatchObject({ code: 0 });
  expect(JSON.parse(resumed.stdout)).toEqual({ greeting: 'Hello, world! I counted to 3.' });
  // This and `export` take the lease for a moment: the others would see it.
  const again = await cli(['run', HELLO, '--id', 'h', ...there], { cwd });
  const [all, shown, history, logs, found] = await Promise.all([
    json(['ls', '--status', 'completed', ...there], cwd),
    json(['show', 'h', ...there], cwd),
    cli(['history', 'h', ...there], { cwd }),
    cli(['logs', 'h', ...there], { cwd }),
    json(['doctor', ...there], cwd),
  ]);
  expect(again).toMatchObject({ code: 2, stderr: expect.stringMatching(/an execution "h" already/) });
  expect((all as { execution_id: string }[]).map((one) => one.execution_id).sort()).toEqual(['h', 'other']);
  expect(shown).toMatchObject({ status: 'completed', holder: null });
  expect(history.stdout.trim().split('\n').length).toBe(6);
  expect(logs).toMatchObject({ code: 0 });
  expect(found).toMatchObject({ stores: doctor });
  const exported = await cli(['export', 'h', ...there], { cwd });
  const copied = await cli(['import', '-', '--backend', 'sqlite:copy.db'], { cwd, stdin: exported.stdout });
  expect(copied).toMatchObject({ code: 0, stdout: 'h\n' });
  const gone = await cli(['gc', '--older-than', '0s', ...there], { cwd });
  expect(gone).toMatchObject({ code: 0, stderr: expect.stringContaining('2 executions deleted') });
  expect(await json(['ls', '--all', ...there], cwd)).toEqual([]);
  expect(await cli(['show', 'h', ...there], { cwd })).toMatchObject({ code: 2 });
  expect((await cli(['history', 'h', '--backend', 'sqlite:copy.db'], { cwd })).stdout).toBe(history.stdout);
}

async function cancel(url: string): Promise<void> {
  const cwd = place();
  const running = await startCli(['run', 'long.yml', '--id', 'long', '--backend', url], { cwd });
  await running.saw(/→ work/);
  const { code, stderr } = await cli(['cancel', 'long', '--backend', url], { cwd });
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringMatching(/cancelled {2}long/) });
  expect((await running.ended).code).toBe(1);
}

async function wake(url: string): Promise<void> {
  const cwd = place();
  const there = ['--backend', url];
  const run = ['run', 'waiter.yml', '--id', 'w', '--input', '{"channel":"c"}', '--quiet', ...there];
  expect(await cli(run, { cwd })).toMatchObject({ code: 4 });
  const worker = await startCli(['worker', '--signals', ...there], { cwd });
  await worker.saw(/resuming what is ready/);
  // It looks by itself every five seconds: what comes now has to wake it.
  await sleep(500);
  const sent = await cli(['signal', 'c', '"now"', ...there], { cwd });
  expect(sent.stderr).toMatch(/handed to 1 execution/);
  await Promise.race([worker.saw(/w {2}completed/), sleep(2000, null, { ref: false })]);
  expect(worker.output.stderr).toMatch(/w {2}completed/);
  const told = performance.now();
  worker.child.kill('SIGTERM');
  expect(await worker.ended).toMatchObject({ code: 0, signal: null });
  expect(performance.now() - told).toBeLessThan(3000);
}

async function refuseSignals(url: string): Promise<void> {
  const cwd = place();
  expect((await cli(['run', HELLO, '--id', 'h', '--quiet', '--backend', url], { cwd })).code).toBe(0);
  const sent = await cli(['signal', 'c', '1', '--backend', url], { cwd });
  expect(sent).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/keeps no signals\n {2}→ Keep the steps/),
  });
}

async function crash(url: string): Promise<void> {
  const cwd = place();
  const count = 40;
  const start = ['run', MANY, '--id', 'root', '--input', JSON.stringify({ count }), '--quiet'];
  const resume = ['resume', 'root', '--quiet', '--backend', url];
  for (let kills = 0; kills < 5; kills++) {
    const running = await startCli(kills === 0 ? [...start, '--backend', url] : resume, { cwd });
    // Before its first commit there is nothing to resume.
    while (running.child.exitCode === null && !existsSync(join(cwd, 'effects'))) await sleep(10);
    await sleep(150 + Math.random() * 150);
    running.child.kill('SIGKILL');
    expect(await running.ended, `after ${kills} kills`).toMatchObject({ signal: 'SIGKILL' });
  }
  const last = await cli(resume, { cwd });
  expect(last).toMatchObject({ code: 0 });
  expect(JSON.parse(last.stdout)).toEqual({
    results: Array.from({ length: count }, (_, n) => ({ n: n + 3 })),
  });
  expect(readdirSync(join(cwd, 'effects')).filter((name) => name !== 'calls').length).toBe(count * 3);
  const children = await json(['ls', '--children', 'root', '--limit', '100', '--backend', url], cwd);
  expect(new Set((children as { status: string }[]).map(({ status }) => status))).toEqual(
    new Set(['completed']),
  );
  const gone = await cli(['gc', '--older-than', '0s', '--backend', url], { cwd });
  expect(gone.stderr).toContain(`${count + 1} executions deleted`);
}

describe.concurrent('what cannot work is said, soon and without secrets', () => {
  const refusals: readonly (readonly [url: string, code: number, says: RegExp])[] = [
    ['rdis://127.0.0.1', 2, /there is no backend "rdis"/],
    ['redis://127.0.0.1/0?prefx=a', 2, /no parameter "prefx"/],
    ['postgres://me:geheim/x@127.0.0.1/db', 2, /cannot be read/],
    ['mixed:?locking=sqlite:a.db', 2, /says where the steps are kept/],
    ['redis://:geheim@127.0.0.1:CLOSED/0', 1, /could not be reached .*ECONNREFUSED/],
    ['postgres://me:geheim@127.0.0.1:CLOSED/db', 1, /connect ECONNREFUSED/],
    ['s3://bucket?endpoint=http://127.0.0.1:CLOSED&region=x', 1, /ECONNREFUSED/],
    [
      'mixed:?persistence=sqlite:a.db&locking=consul://127.0.0.1:CLOSED',
      1,
      /does not answer: connect ECONNREFUSED/,
    ],
  ];
  it.for(refusals)('%s', async ([url, code, says]) => {
    const at = url.replace('CLOSED', String(await freePort()));
    const before = performance.now();
    const result = await cli(['run', HELLO, '--backend', at], { cwd: place() });
    expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(says) });
    expect(result.stderr).toMatch(/^error: .*\n {2}→ .*\n$/);
    expect(result.stderr).not.toMatch(/geheim/);
    expect(performance.now() - before).toBeLessThan(20_000);
  });

  it('a driver that is not installed is named', async () => {
    await build();
    const bare = mkdtempSync(join(elsewhere, 'bare-'));
    for (const name of ['dist', 'package.json'])
      cpSync(join(packageRoot(), name), join(bare, name), { recursive: true });
    const drivers = {
      'redis://127.0.0.1': 'ioredis',
      'postgres://127.0.0.1/db': 'pg',
      's3://b': '@aws-sdk/client-s3',
    };
    for (const [url, name] of Object.entries(drivers)) {
      const command = [join(bare, 'dist', 'cli.cjs'), 'ls', '--backend', url];
      const { status, stderr } = spawnSync(process.execPath, command, { cwd: elsewhere, encoding: 'utf8' });
      expect({ status, stderr }).toMatchObject({
        status: 2,
        stderr: expect.stringContaining(`Run \`npm install ${name}\``),
      });
    }
  });
});

describeWith('redis', 'redis by its name', serverAvailability('redis'), () => {
  const MACHINE = (FILES['waiter.yml'] as string).replace(
    '  hooks:',
    '  settings: { backends: { persistence: redis, locking: redis } }\n  hooks:',
  );

  it('is where REDIS_URL says, for commands and machines', async () => {
    const cwd = directoryWith({ ...FILES, 'm.yml': MACHINE });
    directories.push(cwd);
    const env = { REDIS_URL: emptyStoreUrl('redis') };
    expect(
      (await cli(['run', 'm.yml', '--id', 'm', '--quiet', '--input', '{"channel":"c"}'], { cwd, env })).code,
    ).toBe(4);
    const { stdout } = await cli(['ls', '--json', '--backend', 'redis'], { cwd: elsewhere, env });
    expect(JSON.parse(stdout)).toMatchObject([{ execution_id: 'm', waits_for: 'a signal on c' }]);
    expect(existsSync(join(cwd, '.flatmachine'))).toBe(false);
  });

  it('a wrong password is said to be one, and not shown', async () => {
    const url = serverUrl('redis').replace('://', '://nobody:geheim@');
    const result = await cli(['ls', '--backend', url], { cwd: elsewhere });
    expect(result).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/WRONGPASS.*\n {2}→ Check user and password/),
    });
    expect(result.stderr).not.toMatch(/geheim/);
  });
});

describeWith('postgres', 'postgres by its name', serverAvailability('postgres'), () => {
  it('is where DATABASE_URL says, or the variables of libpq', async () => {
    const url = emptyStoreUrl('postgres');
    const run = ['run', HELLO, '--id', 'h', '--quiet', '--backend', 'postgres'];
    expect((await cli(run, { cwd: elsewhere, env: { DATABASE_URL: url } })).code).toBe(0);
    const { hostname, port, username, pathname, searchParams } = new URL(url);
    const env = {
      DATABASE_URL: undefined,
      PGHOST: hostname,
      PGPORT: port,
      PGUSER: username,
      PGDATABASE: pathname.slice(1),
    };
    const named = `postgres:?schema=${searchParams.get('schema')}`;
    const { stdout } = await cli(['ls', '--json', '--backend', named], { cwd: elsewhere, env });
    expect(JSON.parse(stdout)).toMatchObject([{ execution_id: 'h', status: 'completed' }]);
  });
});
