import type { StepRecord } from '../../backends/interfaces.ts';
import type { ExecutionEvent } from '../../events.ts';
import type { CommandSetup } from '../commands.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { stdout, writeJson } from '../io.ts';
import { table } from '../render/table.ts';
import { counted, dateTime, formatSpan, oneLine } from '../render/text.ts';
import { withExecution } from '../store.ts';

interface HistoryOptions {
  backend?: string;
  json?: boolean;
}

/** `history ID` */
export const setup: CommandSetup = (command) => {
  command
    .argument('<id>', 'the execution')
    .option('--backend <url>', 'where the execution is kept')
    .option('--json', 'print every kept step with its events as JSON');
  return history;
};

function history(id: string, options: HistoryOptions): Promise<ExitCode> {
  return withExecution(id, options.backend, async (store) => {
    const records = await store.persistence.history(id);
    if (options.json === true) writeJson(records);
    else stdout.write(steps(records));
    return EXIT.ok;
  });
}

function steps(records: readonly StepRecord[]): string {
  const columns = [
    { title: 'STEP', right: true },
    { title: 'COMMITTED (UTC)' },
    { title: 'TOOK', right: true },
    { title: 'STATE', max: 40 },
    { title: 'STATUS' },
    { title: 'NEXT', max: 40 },
    { title: 'NOTE', max: 80 },
  ];
  const rows = records.map(({ snapshot, events }, i) => {
    const before = records[i - 1]?.snapshot.created_at;
    const took = before === undefined ? '' : formatSpan(Date.parse(snapshot.created_at) - Date.parse(before));
    return [
      String(snapshot.step),
      dateTime(snapshot.created_at),
      took,
      snapshot.step === 0 ? '(start)' : oneLine(snapshot.current_state),
      snapshot.status,
      oneLine(snapshot.next_state ?? ''),
      snapshot.step === 0 ? '' : oneLine(noteOf({ snapshot, events })),
    ];
  });
  return table(columns, rows);
}

/** What is worth saying of a step: why it failed, what it waits for, how often it asked agents and ran tools. */
function noteOf({ snapshot, events }: StepRecord): string {
  const notes: string[] = [];
  const failed = events.findLast((event) => event.type === 'error');
  if (failed !== undefined) notes.push(`${failed.error_type}: ${failed.message}`);
  else if (snapshot.event !== undefined && snapshot.event !== 'machine_start') notes.push(snapshot.event);
  if (snapshot.waiting_channel !== undefined) notes.push(`waits for ${snapshot.waiting_channel}`);
  for (const event of events) if (event.type === 'signal') notes.push(`signal on ${event.channel}`);
  notes.push(...countOf(events, 'agent_call', 'agent call'), ...countOf(events, 'tool_call', 'tool call'));
  notes.push(...countOf(events, 'launch', 'launch', 'launches'));
  return notes.join(', ');
}

function countOf(
  events: readonly ExecutionEvent[],
  type: ExecutionEvent['type'],
  one: string,
  many?: string,
): string[] {
  const found = events.filter((event) => event.type === type).length;
  return found === 0 ? [] : [counted(found, one, many)];
}
