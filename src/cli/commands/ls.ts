import { FlatMachineError } from '../../errors.ts';
import type { ExecutionStatus } from '../../events.ts';
import type { CommandSetup } from '../commands.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { stderr, stdout, writeJson } from '../io.ts';
import { positiveInteger } from '../options.ts';
import { table } from '../render/table.ts';
import { dateTime, oneLine } from '../render/text.ts';
import { withStore } from '../store.ts';

interface LsOptions {
  status?: string;
  limit: number;
  backend?: string;
  json?: boolean;
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
    .option('--status <status>', `only these, separated by commas: ${STATUSES.join(', ')}`)
    .option('--limit <n>', 'at most so many, newest first', positiveInteger, 50)
    .option('--backend <url>', 'where executions are kept')
    .option('--json', 'print a JSON list');
  return ls;
};

async function ls(options: LsOptions): Promise<ExitCode> {
  const status = options.status === undefined ? undefined : options.status.split(',').map(statusOf);
  const found = await withStore(
    options.backend,
    (url) => {
      stderr.write(`there is no store at ${url} yet\n`);
      return [];
    },
    (store) =>
      store.persistence.executions({ limit: options.limit, ...(status === undefined ? {} : { status }) }),
  );
  if (options.json === true) {
    writeJson(found);
  } else if (found.length > 0) {
    const columns = [
      { title: 'EXECUTION' },
      { title: 'MACHINE', max: 30 },
      { title: 'STATUS' },
      { title: 'STATE', max: 30 },
      { title: 'STEP', right: true },
      { title: 'UPDATED (UTC)' },
      { title: 'ERROR', max: 60 },
    ];
    const rows = found.map((row) => [
      oneLine(row.execution_id),
      oneLine(row.machine_name),
      row.status,
      oneLine(row.state),
      String(row.step),
      dateTime(row.updated_at),
      oneLine(row.error ?? ''),
    ]);
    stdout.write(table(columns, rows));
  }
  return EXIT.ok;
}

function statusOf(text: string): ExecutionStatus {
  const found = STATUSES.find((status) => status === text.trim());
  if (found !== undefined) return found;
  throw new FlatMachineError('usage', `there is no status "${text}"; there are: ${STATUSES.join(', ')}`);
}
