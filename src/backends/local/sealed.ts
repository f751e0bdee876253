import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { errnoOf } from './file-errors.ts';

const DIGEST_LENGTH = 32;

/** A line of JSON with its checksum before it. */
export function seal(json: string): string {
  return `${digest(json)} ${json}\n`;
}

/** The JSON of a sealed line, its line end already taken off; null when it is not what was written. */
export function unseal(line: string): string | null {
  const json = line.slice(DIGEST_LENGTH + 1);
  return line[DIGEST_LENGTH] === ' ' && line.slice(0, DIGEST_LENGTH) === digest(json) ? json : null;
}

/** Thrown for a file whose content is not what was written. */
export class DamagedFile extends Error {}

/**
 * The value in a file of one sealed line, or null when there is no such file. A symbolic link is not followed.
 * @throws DamagedFile
 */
export function readSealed(path: string): unknown {
  const text = readText(path);
  if (text === null) return null;
  const json = text.endsWith('\n') ? unseal(text.slice(0, -1)) : null;
  if (json === null) throw new DamagedFile('its checksum does not match');
  return JSON.parse(json);
}

function readText(path: string): string | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') return null;
    if (code === 'ELOOP') throw new DamagedFile('it is a symbolic link');
    throw error;
  }
  try {
    return readFileSync(fd, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'EISDIR') throw new DamagedFile('it is a directory');
    throw error;
  } finally {
    closeSync(fd);
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, DIGEST_LENGTH);
}
