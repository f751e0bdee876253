import { FlatMachineError } from '../../errors.ts';
import type { ExecRequest } from '../interfaces.ts';
import type { Box } from './box.ts';
import { quote, VARIABLE_NAME, workspacePath } from './quote.ts';

/** Longer commands go through a file: Linux takes no argument beyond 128 KiB. */
const LONGEST_ARGUMENT = 100_000;

/** The shell text that each command of a slot begins with: clean variables and the workspace. */
export function preludeText(box: Box, slotId: string): string {
  const workspace = `${box.dataDir}/${slotId}`;
  const variables = {
    HOME: workspace,
    TMPDIR: `${box.dataDir}/.tmp/${slotId}`,
    LANG: 'C.UTF-8',
    ...box.env,
    FLATMACHINE_SLOT: `:${workspace}:`,
  };
  return [
    'unset FLATMACHINE_SUPERVISOR',
    ...exports(variables),
    `[ ! -L ${quote(workspace)} ] && cd -P -- ${quote(workspace)} || exit 126`,
    LEFT_BY_SHELLS,
  ].join('\n');
}

/** What some shells export unasked. */
const LEFT_BY_SHELLS = 'unset OLDPWD SHLVL';

/**
 * The shell text that turns the supervisor's subshell into the command: after it, `$@` is the command.
 * @throws FlatMachineError `usage` for a request that is not one command, `unsafe-path` for a directory outside the workspace
 */
export function jobText(box: Box, request: ExecRequest): string {
  const { cwd, env, slotId, execId } = request;
  const lines = [];
  if (env !== undefined && Object.keys(env).length > 0) {
    const workspace = `:${box.dataDir}/${slotId}`;
    const marks = { FLATMACHINE_SLOT: `${workspace}:`, FLATMACHINE_EXEC: `${workspace}/${execId}:` };
    lines.push(...exports({ ...env, ...marks }));
  }
  if (cwd !== undefined && !isWorkspaceItself(cwd)) {
    lines.push(`cd -P -- ${quote(workspacePath(cwd))} || exit 126`, LEFT_BY_SHELLS);
  }
  lines.push(commandText(box, request));
  return lines.join('; ');
}

function exports(variables: Record<string, string>): string[] {
  return Object.entries(variables).map(([name, value]) => `export ${variable(name)}=${quote(value)}`);
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
  return `printf %s ${quote(text)} >${file} || exit 126; set -- /bin/sh ${file}`;
}
