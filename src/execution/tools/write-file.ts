import { Arguments } from './arguments.ts';
import type { Sandbox, Tool } from './interfaces.ts';
import { sandboxPath } from './sandbox-path.ts';

/** Writes a whole file. Doing it again after a crash gives the same. */
export function writeFileTool(sandbox: Sandbox): Tool {
  return {
    name: 'write_file',
    description: 'Writes a text file of the workspace, replacing what was there; its directories are made.',
    parameters: {
      type: 'object',
      properties: {
        path: { type: 'string', description: 'Relative to the workspace.' },
        content: { type: 'string', description: 'The whole content.' },
      },
      required: ['path', 'content'],
      additionalProperties: false,
    },
    async run(given) {
      const args = new Arguments(given, ['path', 'content']);
      const path = sandboxPath(sandbox.workspace, args.text('path'));
      const content = Buffer.from(args.text('content'));
      await sandbox.writeFile(path, content);
      return { content: `wrote ${content.byteLength} bytes to ${path}` };
    },
  };
}
