import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';
import { build, CLI, type CliResult, temporaryDirectory } from './cli.ts';

/** A directory as somebody has it who follows the documentation. */
export interface Newcomer {
  readonly directory: string;
  /**
   * Runs lines of shell as written: `flatmachine` and `npx flatmachine` are the built command line, `machines/` and the package are there.
   * @param env added to the environment
   */
  shell(lines: string, env?: Record<string, string>): Promise<CliResult>;
  remove(): void;
}

/** A fresh directory with the shipped machines in it, and the built package installed. */
export async function newcomer(): Promise<Newcomer> {
  await build();
  const directory = temporaryDirectory();
  const bin = join(directory, 'node_modules', '.bin');
  mkdirSync(bin, { recursive: true });
  symlinkSync(packageRoot(), join(directory, 'node_modules', 'flatmachine'));
  symlinkSync(join(packageRoot(), 'machines'), join(directory, 'machines'));
  program(join(bin, 'flatmachine'), `exec '${process.execPath}' '${CLI}' "$@"`);
  // npm's own npx takes half a second to start what stands in node_modules/.bin.
  program(join(bin, 'npx'), 'name=$1; shift; exec "$(dirname "$0")/$name" "$@"');
  const path = `${bin}${delimiter}${process.env.PATH}`;
  return {
    directory,
    shell: (lines, env) => run(lines, { cwd: directory, env: { ...process.env, ...env, PATH: path } }),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function program(path: string, lines: string): void {
  writeFileSync(path, `#!/bin/sh\n${lines}\n`);
  chmodSync(path, 0o755);
}

function run(lines: string, options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<CliResult> {
  const child = spawn('sh', ['-c', lines], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, ...output }));
  });
}
