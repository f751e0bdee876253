import { createHash } from 'node:crypto';
import { FlatMachineError } from '../../errors.ts';
import { isJsonObject } from '../../json.ts';
import type { Journal } from '../journal.ts';
import { Arguments } from './arguments.ts';
import type { Sandbox, Tool } from './interfaces.ts';
import { MAX_FILE } from './read-file.ts';
import { sandboxPath } from './sandbox-path.ts';

/** What an edit is about to do, journaled before it is done. */
type Plan = {
  /** Hashes of the file's content. */
  before: string;
  after: string;
  count: number;
};

/**
 * Replaces a piece of a file, byte for byte. The plan is journaled before the file is written, so that after a crash the edit is neither
 * made twice nor taken for one that does not match.
 */
export function editFileTool(sandbox: Sandbox, journal: Journal): Tool {
  return {
    name: 'edit_file',
    description:
      'Replaces old_string by new_string in a file of the workspace. old_string must occur exactly once, ' +
      'whitespace and line ends included, unless replace_all is true.',
    parameters: {
      type: 'object',
      properties: {
        path: { type: 'string', description: 'Relative to the workspace.' },
        old_string: { type: 'string', description: 'What stands in the file now.' },
        new_string: { type: 'string', description: 'What is to stand there instead.' },
        replace_all: { type: 'boolean', description: 'Replace every occurrence. Default: false.' },
      },
      required: ['path', 'old_string', 'new_string'],
      additionalProperties: false,
    },
    async run(given, call) {
      const args = new Arguments(given, ['path', 'old_string', 'new_string', 'replace_all']);
      const path = sandboxPath(sandbox.workspace, args.text('path'));
      const key = `plan.${call.callId}`;
      const planned = planOf(journal.get(key));
      const content = Buffer.from(await sandbox.readFile(path, MAX_FILE));
      const hash = hashOf(content);
      if (planned?.after === hash) return { content: done(path, planned.count) };
      if (planned !== null && planned.before !== hash) {
        throw new FlatMachineError(
          'usage',
          `${path} was changed by something else while it was edited: read it again`,
        );
      }
      const edit = replace(content, path, args);
      if (planned === null) {
        await journal.put(key, {
          before: hash,
          after: hashOf(edit.content),
          count: edit.count,
        } satisfies Plan);
      }
      await sandbox.writeFile(path, edit.content);
      return { content: done(path, edit.count) };
    },
  };
}

function planOf(entry: unknown): Plan | null {
  return isJsonObject(entry) ? (entry as Plan) : null;
}

function hashOf(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

function done(path: string, count: number): string {
  return count === 1 ? `edited ${path}` : `edited ${path} in ${count} places`;
}

/** @throws FlatMachineError `usage` saying why nothing was replaced */
function replace(content: Buffer, path: string, args: Arguments): { content: Buffer; count: number } {
  const [oldText, newText] = [args.text('old_string'), args.text('new_string')];
  const [old, fresh] = [Buffer.from(oldText), Buffer.from(newText)];
  if (old.length === 0)
    throw new FlatMachineError('usage', 'old_string is empty: use write_file for a whole file');
  if (old.equals(fresh)) throw new FlatMachineError('usage', 'old_string and new_string are the same');
  const count = occurrences(content, old);
  if (count === 0) throw new FlatMachineError('usage', notFound(content.toString('utf8'), path, oldText));
  if (count > 1 && !args.flag('replace_all')) {
    throw new FlatMachineError(
      'usage',
      `old_string occurs ${count} times in ${path}: add lines around it until it occurs once, or set replace_all`,
    );
  }
  const size = content.length + count * (fresh.length - old.length);
  if (size > MAX_FILE) {
    throw new FlatMachineError(
      'too-large',
      `${path} would have ${size} bytes; files of at most ${MAX_FILE} can be edited`,
    );
  }
  return { content: replaced(content, old, fresh, size), count };
}

function occurrences(content: Buffer, old: Buffer): number {
  let count = 0;
  for (let at = content.indexOf(old); at >= 0; at = content.indexOf(old, at + old.length)) count++;
  return count;
}

/** @param size of the new content, bytes */
function replaced(content: Buffer, old: Buffer, fresh: Buffer, size: number): Buffer {
  const result = Buffer.allocUnsafe(size);
  let [from, end] = [0, 0];
  for (let at = content.indexOf(old); at >= 0; at = content.indexOf(old, from)) {
    end += content.copy(result, end, from, at);
    end += fresh.copy(result, end);
    from = at + old.length;
  }
  content.copy(result, end, from);
  return result;
}

function notFound(text: string, path: string, old: string): string {
  const loose = (value: string) => value.replace(/\s+/g, ' ').trim();
  const near = loose(old) !== '' && loose(text).includes(loose(old));
  const hint = near
    ? 'it does but for whitespace or line ends, which must match exactly'
    : 'read the file again';
  return `old_string does not occur in ${path}: ${hint}`;
}
