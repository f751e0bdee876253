import type { BackendSet, LeaseHolder, Wait } from '../../backends/interfaces.ts';
import type { ExecutionStatus } from '../../events.ts';
import type { MachineSnapshot } from '../../machine/snapshot.ts';
import type { CommandSetup } from '../commands.ts';
import { childrenByStatus, describeCounts } from '../count-children.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { stdout, writeJson } from '../io.ts';
import { dateTime, oneLine, pad, printable } from '../render/text.ts';
import { withExecution } from '../store.ts';
import { describeWait } from '../waits.ts';

interface ShowOptions {
  backend?: string;
  json?: boolean;
}

/** `show ID` */
export const setup: CommandSetup = (command) => {
  command
    .argument('<id>', 'the execution')
    .option('--backend <url>', 'where the execution is kept')
    .option('--json', 'print the newest snapshot, with who holds it, as JSON');
  return show;
};

/** What is known of an execution beside its newest snapshot. */
interface Around {
  holder: LeaseHolder | null;
  /** Direct children by status. */
  children: Partial<Record<ExecutionStatus, number>>;
  wait: Wait | null;
}

function show(id: string, options: ShowOptions): Promise<ExitCode> {
  return withExecution(id, options.backend, async (store, last) => {
    const around: Around = {
      holder: living(await store.locking.holder(id)),
      children: await childrenByStatus(store, id),
      wait: await waitOf(store, id),
    };
    if (options.json === true) writeJson({ ...last, ...around });
    else stdout.write(picture(last, around));
    return EXIT.ok;
  });
}

async function waitOf({ signals }: BackendSet, id: string): Promise<Wait | null> {
  return (await signals.waits()).find((wait) => wait.execution_id === id) ?? null;
}

/** A lease that has run out, or whose process has died, holds nothing. */
function living(holder: LeaseHolder | null): LeaseHolder | null {
  return holder !== null && holder.expires_in > 0 ? holder : null;
}

function picture(last: MachineSnapshot, { holder, children, wait }: Around): string {
  const facts: [string, string][] = [
    ['execution', last.execution_id],
    ['machine', last.machine_name],
    ['file', last.machine_file ?? '(none)'],
    ['status', last.status],
    ['held by', holder === null ? 'nobody' : `${holder.owner} since ${dateTime(holder.acquired_at)} UTC`],
    ['state', last.next_state ?? last.current_state],
    ['step', String(last.step)],
    ['updated', `${dateTime(last.created_at)} UTC`],
  ];
  if (last.parent_execution_id !== undefined) facts.push(['parent', last.parent_execution_id]);
  if (wait !== null) facts.push(['waits for', describeWait(wait)]);
  const counts = describeCounts(children);
  if (counts !== '') facts.push(['children', counts]);
  for (const { execution_id, machine, launched } of last.pending_launches ?? []) {
    facts.push(['launches', `${execution_id} (${machine})${launched ? '' : ', not started yet'}`]);
  }
  if (last.options?.runner !== undefined) facts.push(['runner', last.options.runner]);
  const { error } = last;
  if (error !== undefined) {
    facts.push(['error', `${error.error_type} in ${error.state} (step ${error.step}): ${error.message}`]);
    for (const cause of error.causes) facts.push(['caused by', cause]);
  }
  const lines = facts.map(([name, value]) => `${pad(name, 10)} ${oneLine(value)}`);
  return `${[...lines, ...section('input', last.input), ...section('context', last.context), ...outputOf(last)].join('\n')}\n`;
}

function outputOf(last: MachineSnapshot): string[] {
  return last.output === undefined ? [] : section('output', last.output);
}

function section(name: string, value: unknown): string[] {
  return [name, printable(JSON.stringify(value, null, 2)).replace(/^/gm, '  ')];
}
