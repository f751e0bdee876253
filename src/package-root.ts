import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FlatMachineError } from './errors.ts';

interface PackageFacts {
  root: string;
  version: string;
}

let found: PackageFacts | null = null;

/**
 * Absolute path of the directory that holds package.json, `schemas/`, `machines/` and `libexec/`: the same from the sources and from
 * the bundle. Looked up once. @throws FlatMachineError `not-found` if the files were moved out of their package
 */
export function packageRoot(): string {
  return facts().root;
}

/** This package's version. */
export function packageVersion(): string {
  return facts().version;
}

function facts(): PackageFacts {
  found ??= lookUp(dirname(fileURLToPath(import.meta.url)));
  return found;
}

function lookUp(start: string): PackageFacts {
  for (let dir = start; ; dir = dirname(dir)) {
    const file = join(dir, 'package.json');
    if (existsSync(file)) {
      const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
      if (name === 'flatmachine') return { root: dir, version: String(version) };
    }
    if (dirname(dir) === dir) {
      throw new FlatMachineError('not-found', `no package.json of flatmachine above ${start}`, {
        remedy: 'Install the package again: its files must stay together.',
      });
    }
  }
}
