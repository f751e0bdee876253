import { Option } from 'commander';
import type { BackendSet, ExecutionFilter, ExecutionSummary } from '../../backends/interfaces.ts';
import { FlatMachineError } from '../../errors.ts';
import type { ExecutionStatus } from '../../events.ts';
import type { CommandSetup } from '../commands.ts';
import { childCount } from '../count-children.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { stderr, stdout, writeJson } from '../io.ts';
import { positiveInteger } from '../options.ts';
import { table } from '../render/table.ts';
import { dateTime, oneLine } from '../render/text.ts';
import { withStore } from '../store.ts';
import { describeWait } from '../waits.ts';

interface LsOptions {
  status?: string;
  children?: string;
  all?: boolean;
  limit: number;
  backend?: string;
  json?: boolean;
}

/** One line of the list. */
interface Row extends ExecutionSummary {
  /** How many children it has, as text; empty = none. */
  children: string;
  /** What a waiting one waits for; empty for others. */
  waits_for: string;
}

const STATUSES: readonly ExecutionStatus[] = [
  'running',
  'waiting',
  'limit',
  'interrupted',
  'completed',
  'failed',
  'cancelled',
];

/** `ls` */
export const setup: CommandSetup = (command) => {
  command
    .addOption(new Option('--children <id>', 'the children of this execution').conflicts('all'))
    .option('--all', 'children too; without it, only executions that have no parent')
    .option('--status <status>', `only these, separated by commas: ${STATUSES.join(', ')}`)
    .option('--limit <n>', 'at most so many, newest first', positiveInteger, 50)
    .option('--backend <url>', 'where executions are kept')
    .option('--json', 'print a JSON list');
  return ls;
};

async function ls(options: LsOptions): Promise<ExitCode> {
  const filter = filterOf(options);
  const found = await withStore(
    options.backend,
    (url): Row[] => {
      stderr.write(`there is no store at ${url} yet\n`);
      return [];
    },
    (store) => rowsOf(store, filter),
  );
  if (options.json === true) writeJson(found);
  else if (found.length > 0) stdout.write(picture(found));
  return EXIT.ok;
}

function filterOf({ status, children, all, limit }: LsOptions): ExecutionFilter {
  return {
    limit,
    ...(status === undefined ? {} : { status: status.split(',').map(statusOf) }),
    ...(all === true ? {} : { parent: children ?? null }),
  };
}

async function rowsOf(store: BackendSet, filter: ExecutionFilter): Promise<Row[]> {
  const found = await store.persistence.executions(filter);
  const waiting = found.some(({ status }) => status === 'waiting');
  const waits = new Map(
    (waiting ? await store.signals.waits() : []).map((wait) => [wait.execution_id, describeWait(wait)]),
  );
  const rows: Row[] = [];
  for (const summary of found) {
    const { execution_id: id, status } = summary;
    const waits_for = status === 'waiting' ? (waits.get(id) ?? '') : '';
    rows.push({ ...summary, children: await childCount(store, id), waits_for });
  }
  return rows;
}

function picture(rows: readonly Row[]): string {
  const parents = rows.some(({ children }) => children !== '');
  const columns = [
    { title: 'EXECUTION' },
    { title: 'MACHINE', max: 30 },
    { title: 'STATUS' },
    { title: 'STATE', max: 30 },
    { title: 'STEP', right: true },
    ...(parents ? [{ title: 'CHILDREN', right: true }] : []),
    { title: 'UPDATED (UTC)' },
    { title: 'NOTE', max: 80 },
  ];
  const cells = rows.map((row) => [
    oneLine(row.execution_id),
    oneLine(row.machine_name),
    row.status,
    oneLine(row.state),
    String(row.step),
    ...(parents ? [row.children] : []),
    dateTime(row.updated_at),
    row.waits_for === '' ? oneLine(row.error ?? '') : row.waits_for,
  ]);
  return table(columns, cells);
}

function statusOf(text: string): ExecutionStatus {
  const found = STATUSES.find((status) => status === text.trim());
  if (found !== undefined) return found;
  throw new FlatMachineError('usage', `there is no status "${text}"; there are: ${STATUSES.join(', ')}`);
}
