import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FlatMachineError } from '../errors.ts';
import type { UploadFile } from '../runners/interfaces.ts';

/** The most that a task may bring into a slot at once, bytes. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * All files under a directory, sorted by path, with their permission bits.
 * @throws FlatMachineError `file-not-found`, `unsafe-path` for anything but files and directories, `too-large` beyond 64 MiB in all
 */
export async function readTree(dir: string): Promise<UploadFile[]> {
  const files: UploadFile[] = [];
  let bytes = 0;
  const walk = async (relative: string) => {
    const entries = await list(join(dir, relative));
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      const full = join(dir, path);
      if (entry.isDirectory()) await walk(path);
      else if (!entry.isFile()) {
        throw new FlatMachineError('unsafe-path', `${full} is neither a file nor a directory`, {
          remedy: 'Put plain files into a task; links and devices are not followed.',
        });
      } else {
        const { size, mode } = await reading(full, stat(full));
        bytes += size;
        if (bytes > MAX_BYTES) throw new FlatMachineError('too-large', `${dir} holds more than 64 MiB`);
        files.push({ path, content: await reading(full, readFile(full)), mode: mode & 0o777 });
      }
    }
  };
  await walk('');
  return files;
}

function list(dir: string): Promise<Dirent[]> {
  return reading(`the directory ${dir}`, readdir(dir, { withFileTypes: true }));
}

async function reading<T>(what: string, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (cause) {
    throw new FlatMachineError('file-not-found', `cannot read ${what}`, { cause });
  }
}
