import { FlatMachineError } from '../../errors.ts';
import type { Ask } from './database.ts';
import { EXECUTIONS } from './schema/executions.ts';
import { JOURNAL } from './schema/journal.ts';
import { LEASES } from './schema/leases.ts';
import { REGISTRATION } from './schema/registration.ts';
import { RESULTS } from './schema/results.ts';
import { SIGNALS } from './schema/signals.ts';
import { SLOTS } from './schema/slots.ts';
import { STEPS } from './schema/steps.ts';
import { WORK } from './schema/work.ts';
import type { PostgresSettings } from './settings.ts';

/** One step of the schema's history. */
export interface Migration {
  readonly name: string;
  /** Statements; run with the schema as `search_path`. */
  readonly sql: string;
}

/**
 * What leads from each version of the schema to the next. Entries are never changed once released, only added: `migrations` says how many of them a schema
 * has seen. A function is changed by an entry that replaces it.
 */
const MIGRATIONS: readonly Migration[] = [
  EXECUTIONS,
  LEASES,
  JOURNAL,
  SIGNALS,
  STEPS,
  RESULTS,
  SLOTS,
  REGISTRATION,
  WORK,
];

type Transact = <T>(work: (ask: Ask) => Promise<T>) => Promise<T>;

/**
 * Brings a schema up to date, creating it first; any number of processes may do it at once.
 * @throws FlatMachineError `backend` for one that a newer version has written, or without the right to create
 */
export async function migrate(settings: PostgresSettings, transact: Transact): Promise<void> {
  const { schema, shown } = settings;
  await transact(async (ask) => {
    if ((await versionOf(ask, schema, shown)) === MIGRATIONS.length) return;
    await ask('', "SELECT pg_advisory_xact_lock(hashtextextended('flatmachine schema ' || $1, 0))", [schema]);
    const version = await versionOf(ask, schema, shown);
    if (version === null) await create(ask, schema);
    for (const [i, { name, sql }] of MIGRATIONS.entries()) {
      if (i < (version ?? 0)) continue;
      await ask('', sql);
      await ask('', 'INSERT INTO migrations (version, name) VALUES ($1, $2)', [i + 1, name]);
    }
  });
}

/** How many migrations it has seen; null = it is empty or does not exist. */
async function versionOf(ask: Ask, schema: string, shown: string): Promise<number | null> {
  const exists = await ask(
    '',
    'SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2',
    [schema, 'migrations'],
  );
  if (exists.length === 0) return null;
  const [row] = await ask<{ version: number }>(
    '',
    'SELECT coalesce(max(version), 0) AS version FROM migrations',
  );
  const version = row?.version ?? 0;
  if (version <= MIGRATIONS.length) return version;
  throw new FlatMachineError('backend', `${shown} was written by a newer version of flatmachine`, {
    remedy: 'Update flatmachine, or name another schema in the URL.',
  });
}

async function create(ask: Ask, schema: string): Promise<void> {
  const exists = await ask('', 'SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]);
  if (exists.length === 0) await ask('', `CREATE SCHEMA "${schema.replaceAll('"', '""')}"`);
  await ask(
    '',
    `CREATE TABLE migrations (version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
     CREATE FUNCTION tell(topic text, payload text) RETURNS void LANGUAGE sql AS
       $$ SELECT pg_notify(current_schema() || '.' || topic, payload) $$`,
  );
}
