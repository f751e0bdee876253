import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Versions that run on Node 20: the newest graphile-worker (0.18), whose batches and local queue are missing here, and pg-boss (12) need 22. */
const PACKAGES = [
  'bullmq@5',
  'graphile-worker@0.16',
  'pg-boss@10',
  '@langchain/langgraph@1.2.0',
  '@langchain/core@^1.1.44',
  '@langchain/langgraph-checkpoint@1.1.5',
  '@langchain/langgraph-checkpoint-sqlite@1.0.4',
  '@langchain/langgraph-checkpoint-postgres@1.0.5',
  '@dbos-inc/dbos-sdk@4',
];

/** Packages outside of the project. */
export interface Alternatives {
  /** A package of them. */
  load(name: string): unknown;
  /** Its name with the version that is installed. */
  nameOf(name: string): string;
  dispose(): void;
}

/** Installs them. @param directory where they stay, or are already; absent = a new one that `dispose` removes */
export function installAlternatives(directory?: string): Alternatives {
  const place =
    directory === undefined ? mkdtempSync(join(tmpdir(), 'flatmachine-alternatives-')) : resolve(directory);
  if (!existsSync(join(place, 'node_modules', 'bullmq'))) install(place);
  const require = createRequire(join(place, 'package.json'));
  return {
    load: (name) => require(name),
    nameOf(name) {
      const { version } = require(join(place, 'node_modules', name, 'package.json')) as { version: string };
      return `${name} ${version}`;
    },
    dispose() {
      if (directory === undefined) rmSync(place, { recursive: true });
    },
  };
}

function install(place: string): void {
  console.log(`installing the alternatives into ${place} …`);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'package.json'), '{ "private": true }\n');
  const flags = ['--no-audit', '--no-fund', '--legacy-peer-deps', '--ignore-scripts=false'];
  const { status } = spawnSync('npm', ['install', ...flags, ...PACKAGES], {
    cwd: place,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error(`npm install ended with ${status}`);
}
