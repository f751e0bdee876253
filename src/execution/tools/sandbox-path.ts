import { posix } from 'node:path';
import { FlatMachineError } from '../../errors.ts';

/**
 * A path as a model writes it (relative, or absolute below the workspace), relative to the workspace.
 * @throws FlatMachineError `unsafe-path` for one that leads out of it
 */
export function sandboxPath(workspace: string, path: string): string {
  const relative = posix.relative(workspace, posix.resolve(workspace, path));
  if (relative === '' || relative === '..' || relative.startsWith('../') || path.includes('\0')) {
    throw new FlatMachineError(
      'unsafe-path',
      `${JSON.stringify(path)} is not a file inside the workspace ${workspace}`,
    );
  }
  return relative;
}
