import { FlatMachineError } from '../../errors.ts';

/**
 * `text` as one word of a request line: single-quoted, newlines through the supervisor's `$nl`.
 * @throws FlatMachineError `usage` for text with a NUL, which no shell can hold
 */
export function quote(text: string): string {
  if (text.includes('\0')) {
    throw new FlatMachineError('usage', 'a command, argument or name holds a NUL character');
  }
  return `'${text.replaceAll("'", "'\\''").replaceAll('\n', `'"$nl"'`)}'`;
}

/**
 * A line that calls a request function of the supervisor. A job's text (shell itself) is quoted a second time.
 * Words are numbers or quoted strings.
 */
export function requestLine(name: string, ...words: (string | number)[]): string {
  return `${[name, ...words.map((word) => (typeof word === 'number' ? String(word) : quote(word)))].join(' ')}\n`;
}

const ID = /^[A-Za-z0-9._-]{1,200}$/;

/**
 * Checks a slot's or command's id.
 * @throws FlatMachineError `invalid-id`
 */
export function checkId(kind: string, id: string): void {
  if (!ID.test(id) || /^\.+$/.test(id)) {
    throw new FlatMachineError('invalid-id', `${JSON.stringify(id)} is no ${kind} id`);
  }
}

/** The name of an environment variable that a POSIX shell can export. */
export const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Checks a path inside a workspace: relative, `/`-separated, without `..`; gives it without `.` and empty parts.
 * @throws FlatMachineError `unsafe-path`
 */
export function workspacePath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (path.startsWith('/') || path.includes('\0') || parts.includes('..') || parts.length === 0) {
    throw new FlatMachineError('unsafe-path', `${JSON.stringify(path)} is not a path inside the workspace`);
  }
  return parts.join('/');
}
