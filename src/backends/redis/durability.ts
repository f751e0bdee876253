import { FlatMachineError, isFlatMachineError } from '../../errors.ts';
import type { Durability } from '../interfaces.ts';
import type { RedisStore } from './connection.ts';

const RANKS: readonly Durability[] = ['none', 'process-crash', 'power-loss'];

/** What each grade means at a redis server. */
const MEANINGS: Readonly<Record<Durability, string>> = {
  none: 'it keeps data in memory alone (appendonly is off): when it ends, everything since its last dump is lost',
  'process-crash':
    'it writes to its disk after it has answered: when its machine goes down, up to a second of what it acknowledged is lost',
  'power-loss': '',
};

const SETTINGS: Readonly<Record<Durability, string>> = {
  none: '',
  'process-crash': 'Set `appendonly yes` at the server.',
  'power-loss':
    'Set `appendonly yes`, `appendfsync always` and `no-appendfsync-on-rewrite no` at the server.',
};

/**
 * What a server's acknowledgement is worth, by its configuration. A server that does not show it is taken at the user's word, with a warning.
 * @param asked undefined = whatever it has, with a warning when that is less than `power-loss`
 * @throws FlatMachineError `backend` when it has less than was asked for
 */
export async function checkDurability(
  store: RedisStore,
  asked: Durability | undefined,
  onWarning: (message: string) => void,
): Promise<Durability> {
  await checkEviction(store, onWarning);
  const found = await readDurability(store);
  if (found === null) {
    const word = asked ?? 'none';
    onWarning(
      `the store ${store.url} does not show its configuration: how durable it is could not be checked and is taken to be ${word}`,
    );
    return word;
  }
  if (RANKS.indexOf(found) < RANKS.indexOf(asked ?? 'none')) {
    throw new FlatMachineError(
      'backend',
      `the store ${store.url} is not durable to ${asked}: ${MEANINGS[found]}`,
      {
        details: { asked: asked as string, found },
        remedy: `${SETTINGS[asked as Durability]} Or ask for less: ?durability=${found}.`,
      },
    );
  }
  if (asked === undefined && found !== 'power-loss') {
    onWarning(
      `the store ${store.url} is durable to ${found} only: ${MEANINGS[found]}. ${SETTINGS['power-loss']}`,
    );
  }
  return found;
}

/** A server that drops data when its memory is full loses executions, whatever it writes to its disk. */
async function checkEviction(store: RedisStore, onWarning: (message: string) => void): Promise<void> {
  const settings = await readSettings(store, ['maxmemory', 'maxmemory-policy']);
  if (settings === null) return;
  const [limit, policy] = settings;
  if (limit === '0' || policy === 'noeviction') return;
  onWarning(
    `the store ${store.url} drops data when its memory is full (maxmemory-policy is ${policy}): executions get lost. Set \`maxmemory-policy noeviction\` at the server.`,
  );
}

/** Null = the server refuses to say. */
async function readDurability(store: RedisStore): Promise<Durability | null> {
  const settings = await readSettings(store, ['appendonly', 'appendfsync', 'no-appendfsync-on-rewrite']);
  if (settings === null) return null;
  const [appendonly, appendfsync, paused] = settings;
  if (appendonly !== 'yes') return 'none';
  return appendfsync === 'always' && paused !== 'yes' ? 'power-loss' : 'process-crash';
}

/** Null = the server refuses to say, as managed ones do. */
async function readSettings(store: RedisStore, names: readonly string[]): Promise<string[] | null> {
  try {
    const answers = await Promise.all(names.map((name) => store.command('CONFIG', 'GET', name)));
    return (answers as string[][]).map((answer) => answer[1] ?? '');
  } catch (error) {
    if (isRefusal(error)) return null;
    throw error;
  }
}

function isRefusal(error: unknown): boolean {
  if (!isFlatMachineError(error, 'backend')) return false;
  const { redis_error: kind } = (error.details ?? {}) as { redis_error?: string };
  return kind === 'NOPERM' || /unknown (sub)?command/i.test(error.message);
}
