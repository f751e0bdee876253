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
    let before: ExecutionEvent | null = null;
    for (const event of records.flatMap(({ events }) => events)) {
      if (state !== undefined && event.state !== state) continue;
      stdout.write(options.json === true ? `${jsonText(event)}\n` : entry(event, before));
      before = event;
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

/** The event's line, and below it the text that was kept of it: a command's output, an agent's answer, what a tool gave. */
function entry(event: ExecutionEvent, before: ExecutionEvent | null): string {
  const line = eventLine(event, event.execution_id);
  const text = line === null ? '' : `${line}\n`;
  const { kept, cut } = keptText(event, before);
  if (kept === '') return text;
  const body = printable(kept).replace(/\n$/, '').replace(/^/gm, '    │ ');
  return `${text}${body}\n${cut ? '    │ (some of it was not kept)\n' : ''}`;
}

function keptText(event: ExecutionEvent, before: ExecutionEvent | null): { kept: string; cut: boolean } {
  switch (event.type) {
    case 'command_end':
      return { kept: event.output, cut: event.truncated };
    case 'agent_call':
      return { kept: event.content ?? '', cut: false };
    case 'tool_call':
      return { kept: beyondCommand(event.result, before), cut: false };
    default:
      return { kept: '', cut: false };
  }
}

/** What a tool gave; what stands above it already, as the output of the command that the tool ran, is left out. */
function beyondCommand(result: string, before: ExecutionEvent | null): string {
  const output = before?.type === 'command_end' ? before.output.trimEnd() : '';
  return output !== '' && result.startsWith(output) ? result.slice(output.length).trimStart() : result;
}
