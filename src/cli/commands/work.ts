import type { BackendSet, PushOptions, WorkFilter, WorkItem, WorkStatus } from '../../backends/interfaces.ts';
import { openBackends } from '../../backends/open.ts';
import { FlatMachineError } from '../../errors.ts';
import { itemExecutionId } from '../../execution/pool/item-execution-id.ts';
import type { CommandSetup } from '../commands.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { stderr, stdout, writeJson } from '../io.ts';
import { positiveInteger, seconds, wholeNumber } from '../options.ts';
import { table } from '../render/table.ts';
import { counted, dateTime, oneLine, printable } from '../render/text.ts';
import { noStore, storeUrl, withStore } from '../store.ts';
import { itemNote, readItems } from '../work-items.ts';

interface WorkOptions {
  jsonl?: boolean;
  priority?: number;
  delay?: number;
  dedupeKey?: string;
  maxRetries?: number;
  status?: string;
  limit?: number;
  json?: boolean;
  backend?: string;
}

/** What can be done with pools: the options each one takes, beside `--backend`, and how many arguments after it. */
interface Verb {
  readonly options: readonly (keyof WorkOptions)[];
  /** Fewest and most. */
  readonly takes: readonly [number, number];
  run(args: readonly string[], options: WorkOptions): Promise<ExitCode>;
}

const VERBS: Readonly<Record<string, Verb>> = {
  push: {
    options: ['jsonl', 'priority', 'delay', 'dedupeKey', 'maxRetries'],
    takes: [2, 2],
    run: push,
  },
  ls: { options: ['status', 'limit', 'json'], takes: [0, 1], run: list },
  show: { options: [], takes: [2, 2], run: show },
  requeue: { options: [], takes: [1, Number.POSITIVE_INFINITY], run: requeue },
};

/** Items that are pushed in one write. */
const PUSHED_AT_ONCE = 1_000;

/** Items that are listed unless told otherwise. */
const LISTED = 50;

const STATUSES: readonly WorkStatus[] = ['pending', 'claimed', 'done', 'poisoned'];

/** `work push|ls|show|requeue` */
export const setup: CommandSetup = (command) => {
  command
    .usage('push POOL (JSON | @FILE | -) | ls [POOL] | show POOL ID | requeue POOL [ID…]')
    .argument(
      '<what>',
      'push: add items · ls: pools, or the items of one · show: one item · requeue: poisoned items, all or these',
    )
    .argument('[arguments...]', 'the pool, and what else it takes')
    .option('--jsonl', 'push: each line is an item')
    .option('--priority <n>', 'push: higher is claimed first (default: 0)', wholeNumber)
    .option('--delay <seconds>', 'push: until it can be claimed (default: 0)', seconds)
    .option('--dedupe-key <key>', 'push: nothing is added while an item with this key is in the pool')
    .option('--max-retries <n>', 'push: attempts in all (default: 3)', positiveInteger)
    .option('--status <status>', `ls: only these, separated by commas: ${STATUSES.join(', ')}`)
    .option('--limit <n>', `ls: at most so many items (default: ${LISTED})`, positiveInteger)
    .option('--json', 'ls: print a JSON list, with data and results')
    .option('--backend <url>', 'where pools and executions are kept')
    .addHelpText('after', '\n`flatmachine worker --pool POOL --machine FILE` works on them.');
  return work;
};

async function work(what: string, args: string[], options: WorkOptions): Promise<ExitCode> {
  const verb = Object.hasOwn(VERBS, what) ? VERBS[what] : undefined;
  if (verb === undefined) throw usage(`there is no \`work ${what}\``);
  const [fewest, most] = verb.takes;
  if (args.length < fewest)
    throw usage(`\`work ${what}\` needs more than ${counted(args.length, 'argument')}`);
  if (args.length > most) throw usage(`\`work ${what}\` takes no "${args[most]}"`);
  for (const name of Object.keys(options) as (keyof WorkOptions)[]) {
    if (name !== 'backend' && !verb.options.includes(name) && options[name] !== undefined) {
      const option = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      throw usage(`\`work ${what}\` has no option --${option}`);
    }
  }
  return verb.run(args, options);
}

async function push(args: readonly string[], options: WorkOptions): Promise<ExitCode> {
  const [name = '', given = ''] = args;
  const { jsonl = false, priority, delay, dedupeKey, maxRetries } = options;
  if (jsonl && dedupeKey !== undefined)
    throw usage(
      '--dedupe-key names one item, and --jsonl pushes many',
      'Use machines/rollout-batch.yml: it pushes each line once.',
    );
  const pushed: PushOptions = {
    ...(priority === undefined ? {} : { priority }),
    ...(delay === undefined ? {} : { delay: delay * 1000 }),
    ...(dedupeKey === undefined ? {} : { dedupe: dedupeKey }),
    ...(maxRetries === undefined ? {} : { max_retries: maxRetries }),
  };
  const items = await readItems(given, jsonl, pushed);
  const store = await openBackends(storeUrl(options.backend), {
    onWarning: (message) => stderr.write(`warning: ${printable(message)}\n`),
  });
  try {
    const pool = store.work.pool(name);
    const ids: string[] = [];
    for (let i = 0; i < items.length; i += PUSHED_AT_ONCE) {
      ids.push(...(await pool.pushMany(items.slice(i, i + PUSHED_AT_ONCE))));
    }
    stderr.write(`${counted(ids.length, 'item')} pushed into ${oneLine(name)}\n`);
    writeJson({ pool: name, ids });
  } finally {
    await store.close();
  }
  return EXIT.ok;
}

async function list([name]: readonly string[], options: WorkOptions): Promise<ExitCode> {
  const missing = (url: string): ExitCode => {
    stderr.write(`there is no store at ${url} yet\n`);
    if (options.json === true) writeJson([]);
    return EXIT.ok;
  };
  return withStore(options.backend, missing, async (store) => {
    if (name === undefined) await printPools(store, options);
    else await printItems(store, name, options);
    return EXIT.ok;
  });
}

async function printPools(store: BackendSet, { json }: WorkOptions): Promise<void> {
  const names = await store.work.pools();
  const rows = [];
  for (const name of names) rows.push({ pool: name, ...(await store.work.pool(name).counts()) });
  if (json === true) writeJson(rows);
  else if (rows.length > 0) {
    const titles = ['pending', 'delayed', 'claimed', 'done', 'poisoned'] as const;
    const columns = [
      { title: 'POOL' },
      ...titles.map((title) => ({ title: title.toUpperCase(), right: true })),
    ];
    stdout.write(
      table(
        columns,
        rows.map((row) => [oneLine(row.pool), ...titles.map((title) => String(row[title]))]),
      ),
    );
  }
}

async function printItems(store: BackendSet, name: string, options: WorkOptions): Promise<void> {
  const { status, limit = LISTED, json } = options;
  const filter: WorkFilter = {
    limit: limit + 1,
    ...(status === undefined ? {} : { status: status.split(',').map(statusOf) }),
  };
  const found = await store.work.pool(name).items(filter);
  const shown = found.slice(0, limit);
  if (json === true) writeJson(shown.map((item) => withExecution(name, item)));
  else if (shown.length > 0) stdout.write(picture(name, shown));
  if (found.length > limit) stderr.write(`the first ${limit}; there are more: --limit N\n`);
}

function picture(pool: string, items: readonly WorkItem[]): string {
  const columns = [
    { title: 'ITEM' },
    { title: 'STATUS' },
    { title: 'ATTEMPTS', right: true },
    { title: 'EXECUTION', max: 60 },
    { title: 'WORKER', max: 40 },
    { title: 'PUSHED (UTC)' },
    { title: 'DATA', max: 40 },
    { title: 'NOTE', max: 80 },
  ];
  return table(
    columns,
    items.map((item) => [
      item.id,
      item.status,
      `${item.attempts}/${item.max_retries}`,
      itemExecutionId(pool, item.id),
      oneLine(item.claimed_by ?? ''),
      dateTime(item.pushed_at),
      oneLine(itemNote(item.data)),
      oneLine(item.error ?? ''),
    ]),
  );
}

async function show(args: readonly string[], options: WorkOptions): Promise<ExitCode> {
  const [name = '', id = ''] = args;
  return withStore(options.backend, noStore, async (store) => {
    const item = await store.work.pool(name).item(id);
    if (item === null) throw new FlatMachineError('not-found', `pool ${name} has no item ${id}`);
    writeJson(withExecution(name, item));
    return EXIT.ok;
  });
}

async function requeue(args: readonly string[], options: WorkOptions): Promise<ExitCode> {
  const [name = '', ...ids] = args;
  return withStore(options.backend, noStore, async (store) => {
    const count = await store.work.pool(name).requeue(ids.length === 0 ? undefined : ids);
    stderr.write(`${counted(count, 'item')} of ${oneLine(name)} can be claimed again\n`);
    writeJson({ pool: name, requeued: count });
    return EXIT.ok;
  });
}

function withExecution(pool: string, item: WorkItem): object {
  return { ...item, execution_id: itemExecutionId(pool, item.id) };
}

function statusOf(text: string): WorkStatus {
  const found = STATUSES.find((status) => status === text.trim());
  if (found !== undefined) return found;
  throw usage(`there is no status "${text}"; there are: ${STATUSES.join(', ')}`);
}

function usage(message: string, remedy = 'See `flatmachine help work`.'): FlatMachineError {
  return new FlatMachineError('usage', message, { remedy });
}
