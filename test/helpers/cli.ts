import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The built command line. */
export const CLI = join(root, 'dist', 'cli.cjs');

/** A new empty directory under the system's temporary one. Whoever asks for it removes it. */
export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'flatmachine-test-'));
}

/** Puts files into a new temporary directory, made for it, and returns its path. */
export function directoryWith(files: Record<string, string>): string {
  const directory = temporaryDirectory();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

/** How to start the command line. */
export interface CliOptions {
  /** Where it runs, and so where it keeps its executions. */
  cwd: string;
  /** Added to this process's environment; undefined takes a variable away. */
  env?: Record<string, string | undefined>;
  /** What it reads; default: nothing. */
  stdin?: string;
  /** Milliseconds until it is killed, with SIGKILL. Default 30,000. */
  timeout?: number;
}

/** What a process came to. */
export interface CliResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A started command line. */
export interface RunningCli {
  child: ChildProcess;
  /** What has been written so far. */
  output: { stdout: string; stderr: string };
  /** Resolves once stdout or stderr matches. @throws if it ends first, or after `timeout` */
  saw(pattern: RegExp): Promise<void>;
  /** Resolves when it has ended and everything it wrote was read. */
  ended: Promise<CliResult>;
}

/** Builds if need be, starts the command line and collects what it writes. */
export async function startCli(args: readonly string[], options: CliOptions): Promise<RunningCli> {
  await build();
  const env: NodeJS.ProcessEnv = { ...process.env, ...options.env };
  const child = spawn(process.execPath, [CLI, ...args], { cwd: options.cwd, env, stdio: 'pipe' });
  child.stdin.on('error', () => {
    // It may end without having read everything.
  });
  child.stdin.end(options.stdin ?? '');
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeout ?? 30_000);
  let result: CliResult | null = null;
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      result = { code, signal, ...output };
      resolve(result);
    });
  });
  const saw = async (pattern: RegExp) => {
    while (!pattern.test(output.stdout) && !pattern.test(output.stderr)) {
      if (result !== null) throw new Error(`it ended without ${pattern}: ${JSON.stringify(result)}`);
      await sleep(10);
    }
  };
  return { child, output, saw, ended };
}

/** Runs the command line to its end. */
export async function cli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  return (await startCli(args, options)).ended;
}

let built: Promise<void> | null = null;

/** Builds `dist/` if the sources are newer. Several test processes at once build once. */
export function build(): Promise<void> {
  built ??= buildOnce();
  return built;
}

async function buildOnce(): Promise<void> {
  const lock = join(root, 'node_modules', '.flatmachine-build.lock');
  for (;;) {
    if (!isStale()) return;
    try {
      closeSync(openSync(lock, 'wx'));
      break;
    } catch {
      if (Date.now() - (modified(lock) ?? Date.now()) > 60_000) rmSync(lock, { force: true });
      await sleep(50);
    }
  }
  try {
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs'), '--fast'], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`the build failed: ${stderr}`);
  } finally {
    rmSync(lock, { force: true });
  }
}

function isStale(): boolean {
  const time = modified(CLI);
  if (time === null) return true;
  const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const others = ['package.json', 'scripts/build.mjs', 'scripts/code-cache.cjs'].map((name) =>
    join(root, name),
  );
  return [...sources, ...others].some((file) => (modified(file) ?? 0) > time);
}

function modified(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? null;
}
