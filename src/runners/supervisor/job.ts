import { FlatMachineError } from '../../errors.ts';
import type { ExecRequest } from '../interfaces.ts';
import type { Box } from './box.ts';
import { quote, VARIABLE_NAME, workspacePath } from './quote.ts';

/** Longer commands go through a file: Linux takes no argument beyond 128 KiB. */
const LONGEST_ARGUMENT = 100_000;

/**
 * The shell text that turns the supervisor's subshell into the command: clean variables, the directory, and `$@`.
 * @throws FlatMachineError `usage` for a request that is not one command, `unsafe-path` for a directory outside the workspace
 */
export function jobText(box: Box, request: ExecRequest): string {
  const workspace = `${box.dataDir}/${request.slotId}`;
  const directory =
    request.cwd === undefined || isWorkspaceItself(request.cwd)
      ? workspace
      : `${workspace}/${workspacePath(request.cwd)}`;
  const exported = {
    HOME: workspace,
    TMPDIR: `${box.dataDir}/.tmp/${request.slotId}`,
    LANG: 'C.UTF-8',
    ...box.env,
    ...request.env,
    FLATMACHINE_SLOT: `:${request.slotId}:`,
    FLATMACHINE_EXEC: `:${request.slotId}/${request.execId}:`,
  };
  return [
    'unset FLATMACHINE_SUPERVISOR',
    ...Object.entries(exported).map(([name, value]) => `export ${variable(name)}=${quote(value)}`),
    `cd -P -- ${quote(directory)} || exit 126\nunset OLDPWD SHLVL`,
    commandText(box, request),
  ].join('\n');
}

function isWorkspaceItself(cwd: string): boolean {
  return /^(\.\/?)*$/.test(cwd);
}

function variable(name: string): string {
  if (!VARIABLE_NAME.test(name)) {
    throw new FlatMachineError(
      'usage',
      `${JSON.stringify(name)} cannot be the name of an environment variable`,
    );
  }
  return name;
}

function commandText(box: Box, { cmd, argv, slotId, execId }: ExecRequest): string {
  if ((cmd === undefined) === (argv === undefined)) {
    throw new FlatMachineError('usage', 'a command needs exactly one of cmd and argv');
  }
  if (argv !== undefined) {
    if (argv.length === 0) throw new FlatMachineError('usage', 'argv is empty');
    // through a shell, so that the program is looked up along the command's own PATH, whatever shell the supervisor has
    return `set -- /bin/sh -c 'exec "$@"' sh ${argv.map(quote).join(' ')}`;
  }
  const text = cmd as string;
  if (Buffer.byteLength(text) <= LONGEST_ARGUMENT) return `set -- /bin/sh -c ${quote(text)}`;
  const file = quote(`${box.supervisorDir}/slots/${slotId}/j/${execId}.sh`);
  return `printf %s ${quote(text)} >${file} || exit 126\nset -- /bin/sh ${file}`;
}
