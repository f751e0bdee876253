import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../package-root.ts';

/** The path of the in-box supervisor, which is shipped with the package. */
export function supervisorScriptPath(): string {
  return join(packageRoot(), 'libexec', 'supervisor.sh');
}

/** The in-box supervisor's text. */
export function supervisorScript(): string {
  return readFileSync(supervisorScriptPath(), 'utf8');
}
