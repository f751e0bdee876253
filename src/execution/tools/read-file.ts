import { FlatMachineError } from '../../errors.ts';
import { Arguments } from './arguments.ts';
import type { Sandbox, Tool } from './interfaces.ts';
import { sandboxPath } from './sandbox-path.ts';
import { MAX_RESULT } from './text.ts';

/** The largest file that is read or edited, bytes. */
export const MAX_FILE = 8 * 1024 * 1024;

/** Lines that are read unless the model asks for another number. */
const DEFAULT_LIMIT = 2000;

/** Reads a part of a text file. */
export function readFileTool(sandbox: Sandbox): Tool {
  return {
    name: 'read_file',
    description:
      'Reads a text file of the workspace: its lines as they are, without numbers. ' +
      `At most ${DEFAULT_LIMIT} lines and ${MAX_RESULT} characters at once; what is missing is said at the end.`,
    parameters: {
      type: 'object',
      properties: {
        path: { type: 'string', description: 'Relative to the workspace.' },
        offset: { type: 'integer', minimum: 1, description: 'The first line to read, from 1.' },
        limit: { type: 'integer', minimum: 1, description: 'How many lines to read.' },
      },
      required: ['path'],
      additionalProperties: false,
    },
    async run(given) {
      const args = new Arguments(given, ['path', 'offset', 'limit']);
      const path = sandboxPath(sandbox.workspace, args.text('path'));
      const offset = Math.floor(args.number('offset', 1, 1));
      const limit = Math.floor(args.number('limit', DEFAULT_LIMIT, 1));
      return { content: part(textOf(await sandbox.readFile(path, MAX_FILE), path), path, offset, limit) };
    },
  };
}

/** @throws FlatMachineError `usage` for what is not UTF-8 text */
function textOf(content: Uint8Array, path: string): string {
  const bytes = Buffer.from(content);
  try {
    if (!bytes.includes(0)) return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Told below.
  }
  throw new FlatMachineError('usage', `${path} is not a text file (${bytes.byteLength} bytes)`);
}

function part(text: string, path: string, offset: number, limit: number): string {
  if (text === '') return `[${path} is empty]`;
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (offset > lines.length) {
    throw new FlatMachineError('usage', `${path} has ${lines.length} lines: there is no line ${offset}`);
  }
  const wanted = lines.slice(offset - 1, offset - 1 + limit);
  const shown: string[] = [];
  let room = MAX_RESULT;
  for (const line of wanted) {
    room -= line.length + 1;
    if (room < 0) break;
    shown.push(line);
  }
  if (shown.length === 0) {
    return `${wanted[0]?.slice(0, MAX_RESULT)}\n[line ${offset} is cut off here: it has ${wanted[0]?.length} characters]`;
  }
  const last = offset - 1 + shown.length;
  if (offset === 1 && last === lines.length) return text;
  const rest = last < lines.length ? `; go on with offset ${last + 1}` : '';
  return `${shown.join('\n')}\n[lines ${offset} to ${last} of ${lines.length}${rest}]`;
}
