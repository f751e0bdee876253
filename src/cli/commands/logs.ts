import { FlatMachineError } from '../../errors.ts';
import type { ExecutionEvent } from '../../events.ts';
import type { CommandSetup } from '../commands.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { stdout } from '../io.ts';
import { eventLine } from '../render/lines.ts';
import { jsonText, printable } from '../render/text.ts';
import { withExecution } from '../store.ts';

interface LogsOptions {
  backend?: string;
  json?: boolean;
}

/** `logs ID [STATE]` */
export const setup: CommandSetup = (command) => {
  command
    .argument('<id>', 'the execution')
    .argument('[state]', 'only what happened in this state')
    .option('--backend <url>', 'where the execution is kept')
    .option('--json', 'print one event per line as JSON');
  return logs;
};

function logs(id: string, state: string | undefined, options: LogsOptions): Promise<ExitCode> {
  return withExecution(id, options.backend, async (store) => {
    const records = await store.persistence.history(id);
    if (state !== undefined)
      assertVisited(id, state, new Set(records.map(({ snapshot }) => snapshot.current_state)));
    for (const { events } of records) {
      for (const event of events) {
        if (state !== undefined && event.state !== state) continue;
        stdout.write(options.json === true ? `${jsonText(event)}\n` : entry(event));
      }
    }
    return EXIT.ok;
  });
}

function assertVisited(id: string, state: string, visited: ReadonlySet<string>): void {
  if (visited.has(state)) return;
  throw new FlatMachineError('not-found', `execution "${id}" has not been in a state "${state}"`, {
    remedy: `It has been in: ${[...visited].join(', ')}.`,
  });
}

/** The event's line, and below it the output that was kept of a command. */
function entry(event: ExecutionEvent): string {
  const line = eventLine(event);
  const text = line === null ? '' : `${line}\n`;
  if (event.type !== 'command_end' || event.output === '') return text;
  const output = printable(event.output).replace(/\n$/, '').replace(/^/gm, '    │ ');
  return `${text}${output}\n${event.truncated ? '    │ (some of it was not kept)\n' : ''}`;
}
