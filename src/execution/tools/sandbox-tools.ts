import type { Journal } from '../journal.ts';
import { bashTool } from './bash.ts';
import { editFileTool } from './edit-file.ts';
import type { Sandbox, Tool } from './interfaces.ts';
import { readFileTool } from './read-file.ts';
import { writeFileTool } from './write-file.ts';

/** The names of the tools that every sandbox brings. */
export const SANDBOX_TOOLS: readonly string[] = ['bash', 'read_file', 'write_file', 'edit_file'];

/**
 * The tools that every sandbox brings. Each call of one happens once under a kill.
 * @param journal of the piece of work that they serve
 */
export function sandboxTools(sandbox: Sandbox, journal: Journal): readonly Tool[] {
  return [bashTool(sandbox), readFileTool(sandbox), writeFileTool(sandbox), editFileTool(sandbox, journal)];
}
