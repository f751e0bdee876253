// Commands per second through the supervisor (journal, timeout and tree tracking on) against the raw ways to run one, in the same run.
// `node bench/run.mjs bench/exec.ts [image]`; DOCKER_HOST says where Docker is. Without an image only the runners of this host are measured.
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import type { Environment } from '../src/runners/interfaces.ts';
import { openRunner } from '../src/runners/registry.ts';
import { type Contender, compare } from './measure.ts';

const COMMANDS = 240;
const BWRAP = ['--unshare-all', '--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', 'true'];
const [image] = process.argv.slice(2);
const stateDir = mkdtempSync(join(tmpdir(), 'flatmachine-bench-'));
const run = promisify(execFile);
let serial = 0;

/** Runs `COMMANDS` of them, so many at a time. */
async function atATime(width: number, command: (worker: number) => Promise<unknown>): Promise<void> {
  let left = COMMANDS;
  const workers = Array.from({ length: width }, async (_, worker) => {
    while (left-- > 0) await command(worker);
  });
  await Promise.all(workers);
}

function bareSpawn(): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', 'true'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.on('error', reject).on('close', () => resolve());
  });
}

function persistentShell(): { command: () => Promise<void>; close: () => void } {
  const shell = spawn('sh', [], { stdio: ['pipe', 'pipe', 'ignore'] });
  const waiting: (() => void)[] = [];
  shell.stdout.on('data', (bytes: Buffer) => {
    for (const byte of bytes) if (byte === 10) waiting.shift()?.();
  });
  return {
    command: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        shell.stdin.write('sh -c true; echo\n');
      }),
    close: () => shell.stdin.end(),
  };
}

async function environmentOf(name: string): Promise<Environment> {
  const runner = await openRunner(name, { stateDir });
  const spec = { id: `bench-${name}-${process.pid}`, labels: { flatmachine: 'bench' } };
  const environment = await runner.create(
    image !== undefined && name === 'docker' ? { ...spec, image } : spec,
  );
  await environment.openSlot('bench', 1);
  return environment;
}

const supervised = (environment: Environment) => async () => {
  const { outcome } = await environment.exec({
    slotId: 'bench',
    token: 1,
    execId: `b${serial++}`,
    cmd: 'true',
    timeout: 60,
  });
  if (outcome !== 'ok') throw new Error(`a command ended as ${outcome}`);
};

async function dockerExec(docker: Docker, id: string): Promise<void> {
  const exec = await docker
    .getContainer(id)
    .exec({ Cmd: ['sh', '-c', 'true'], AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({});
  stream.resume();
  await new Promise((resolve) => stream.on('end', resolve));
  await exec.inspect();
}

const environments: Environment[] = [];
const shell = persistentShell();
try {
  const local = await environmentOf('local');
  const bubblewrap = await environmentOf('bubblewrap');
  environments.push(local, bubblewrap);
  const docker = image === undefined ? null : await environmentOf('docker');
  if (docker !== null) environments.push(docker);
  for (const width of [1, 8, 32]) {
    const many = (command: () => Promise<unknown>) => () => atATime(width, command);
    const host: Contender[] = [
      ['spawn from Node (the limit that counts)', many(bareSpawn)],
      ['a persistent sh, without anything', many(shell.command)],
      ['flatmachine local', many(supervised(local))],
      ['flatmachine bubblewrap', many(supervised(bubblewrap))],
      ['bwrap, cold for each command', many(() => run('bwrap', BWRAP))],
    ];
    await compare(`commands on this host, ${width} at a time`, COMMANDS, host);
    if (docker === null) continue;
    const engine = new Docker();
    await compare(`commands in a container, ${width} at a time`, COMMANDS, [
      ['docker exec through the Engine API', many(() => dockerExec(engine, docker.address))],
      ['flatmachine docker', many(supervised(docker))],
    ]);
  }
} finally {
  shell.close();
  for (const environment of environments) await environment.destroy();
  rmSync(stateDir, { recursive: true, force: true });
}
