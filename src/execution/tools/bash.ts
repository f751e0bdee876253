import { Arguments } from './arguments.ts';
import type { Sandbox, SandboxResult, Tool } from './interfaces.ts';
import { bounded, MAX_RESULT } from './text.ts';

/** Characters that the line about the command's end may take. */
const END = 100;

/** What the model is told of an end that is not an exit code. */
const CUT_OFF: Readonly<Record<string, string>> = {
  oom: 'the box ran out of memory',
  output_capped: 'it wrote more than it may',
  cancelled: 'it was cancelled',
};

/** Runs a command in the sandbox. The call's id makes it run once: after a crash it is joined, or its result collected. */
export function bashTool(sandbox: Sandbox): Tool {
  return {
    name: 'bash',
    description:
      'Runs a command with /bin/sh in the workspace and returns its output, stderr after stdout, and its exit code. ' +
      'Each call is a new shell: directories and variables are not kept, files are. Nobody answers prompts. ' +
      'Long output loses its middle.',
    parameters: {
      type: 'object',
      properties: {
        command: { type: 'string', description: 'The command.' },
        timeout: { type: 'number', description: 'Seconds after which it is ended.' },
      },
      required: ['command'],
      additionalProperties: false,
    },
    keepsTime: true,
    async run(given, call) {
      const args = new Arguments(given, ['command', 'timeout']);
      const timeout = Math.min(args.number('timeout', call.timeout, 0.01), call.timeout);
      const result = await sandbox.run({ id: call.callId, cmd: args.text('command'), timeout });
      return { content: report(result, timeout), is_error: result.returncode === null };
    },
  };
}

function report({ output, returncode, timed_out, outcome }: SandboxResult, timeout: number): string {
  const end = timed_out
    ? `ended: it ran longer than ${timeout} s`
    : (CUT_OFF[outcome] ?? `exit code ${returncode}`);
  const text = bounded(output, MAX_RESULT - END);
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}[${end}]`;
}
