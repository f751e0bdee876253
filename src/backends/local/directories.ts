import { lstatSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf, notADirectory } from './file-errors.ts';

/**
 * Refuses a directory that is missing, a file, or a symbolic link: what is written into it would go elsewhere. Whoever can plant a link *while* a write is
 * under way can write there anyway.
 * @throws the system's ENOENT · FlatMachineError `backend`
 */
export function checkDirectory(path: string): void {
  if (!lstatSync(path).isDirectory()) throw notADirectory(path);
}

/** Makes a directory (mode 0700) inside one that exists, unless it is there. False = it was. @throws as {@link checkDirectory} */
export function makeDirectory(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
  checkDirectory(path);
  return false;
}

/**
 * Makes a directory and those above it. Not `mkdirSync` with `recursive`: that never returns (Node 20) where the system answers ENOENT, as in /proc.
 * @returns the directories that have got a new entry, innermost first
 */
export function makeDirectories(path: string): string[] {
  const changed: string[] = [];
  const missing: string[] = [];
  for (let at = path; ; at = dirname(at)) {
    try {
      mkdirSync(at, { mode: 0o700 });
      changed.push(dirname(at));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' && dirname(at) !== at) {
        missing.push(at);
        continue;
      }
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
    break;
  }
  for (const at of missing.reverse()) {
    if (makeDirectory(at)) changed.unshift(dirname(at));
  }
  return changed;
}
