import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FlatMachineError, toError } from '../errors.ts';

/** How much of a file is looked at to tell whether it is a machine, bytes. */
const LOOK_BYTES = 64 * 1024;

/** A file that says it is a machine, or has a machine's `states` though it does not say so. */
const LOOKS_LIKE_ONE = /^[ \t{,]*["']?spec["']?\s*:\s*["']?flatmachine\b|^\s+["']?states["']?\s*:/m;

/**
 * The machine files among `paths`: a file is taken as it is; in a directory, and those below it, every `.yml`, `.yaml` and `.json` that
 * looks like a machine. `node_modules` and hidden directories are left out. Sorted within a directory, each file once.
 * @throws FlatMachineError `file-not-found` for a path that is not there, `usage` if there is no machine at all
 */
export function findMachines(paths: readonly string[]): string[] {
  const found = new Set<string>();
  for (const path of paths) {
    if (isDirectory(path)) for (const file of machinesBelow(path)) found.add(file);
    else found.add(path);
  }
  if (found.size > 0) return [...found];
  throw new FlatMachineError('usage', `nothing to lint: no machine in ${paths.join(', ')}`, {
    remedy:
      'Name a file, or a directory with .yml, .yaml or .json files that begin with `spec: flatmachine`.',
  });
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (cause) {
    throw new FlatMachineError('file-not-found', `cannot read ${path}: ${toError(cause).message}`, { cause });
  }
}

function* machinesBelow(dir: string): Generator<string> {
  const entries = readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules' && !entry.name.startsWith('.')) yield* machinesBelow(path);
    } else if (entry.isFile() && /\.(ya?ml|json)$/i.test(entry.name) && looksLikeMachine(path)) {
      yield path;
    }
  }
}

function looksLikeMachine(path: string): boolean {
  const descriptor = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(LOOK_BYTES);
    const length = readSync(descriptor, buffer);
    return LOOKS_LIKE_ONE.test(buffer.toString('latin1', 0, length));
  } finally {
    closeSync(descriptor);
  }
}
