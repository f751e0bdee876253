import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FlatMachineError } from './errors.ts';

/**
 * Loads an optional package: the one installed beside this package, else the one of the working directory (for a global `flatmachine`).
 * @param why what needs it, for the message: `provider "openai"`
 * @throws FlatMachineError `missing-package`, saying what to install; what the package itself throws when it loads
 */
export async function importOptional<T>(name: string, why: string): Promise<T> {
  try {
    return (await import(name)) as T;
  } catch (error) {
    if (!isAbsent(error, name)) throw error;
  }
  const found = resolveFrom(process.cwd(), name);
  if (found === null) {
    throw new FlatMachineError(
      'missing-package',
      `${why} needs the package ${name}, which is not installed`,
      {
        remedy: `Run \`npm install ${packageOf(name)}\`.`,
      },
    );
  }
  return (await import(pathToFileURL(found).href)) as T;
}

function isAbsent(error: unknown, name: string): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const absent = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  return absent && String(message).includes(`'${packageOf(name)}'`);
}

function resolveFrom(directory: string, name: string): string | null {
  try {
    return createRequire(join(directory, 'package.json')).resolve(name);
  } catch {
    return null;
  }
}

/** `@scope/name` of `@scope/name/path`. */
function packageOf(name: string): string {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}
