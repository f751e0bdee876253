import { FlatMachineError } from '../../errors.ts';
import type { Durability } from '../interfaces.ts';
import type { CommitSettings } from './durability.ts';

/**
 * Milliseconds after which the server gives up a statement: before this side stops waiting for the answer, so that nothing goes on there of which nobody knows
 * what becomes.
 */
const STATEMENT_LIMIT = 50_000;

/** What a server says of itself. */
export interface ServerSettings extends CommitSettings {
  server_encoding: string;
}

/** Asks for {@link ServerSettings}. */
export const SERVER_SETTINGS = `
  SELECT current_setting('synchronous_commit') AS synchronous_commit, current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes, current_setting('server_encoding') AS server_encoding`;

/** Refuses a database that cannot hold all text, before a step is lost to it. @throws FlatMachineError `backend` */
export function checkEncoding(server: string, { server_encoding }: ServerSettings): void {
  if (server_encoding === 'UTF8') return;
  throw new FlatMachineError('backend', `the encoding of ${server} is ${server_encoding}, not UTF8`, {
    remedy: "Make a database with ENCODING 'UTF8' TEMPLATE template0, and name that in the URL.",
  });
}

/**
 * What holds for each of our connections, whatever the server, the database and the user are set to. Functions look again after they have waited for a lock,
 * so each statement has to see what is committed by then. Plans are made once and use indices, whatever the statistics of a table that has just been filled say.
 * A process that is stopped inside a transaction does not keep its locks for ever.
 * @param schema quoted
 */
export function sessionSettings(schema: string, durability: Durability | undefined): string {
  const commits = { 'power-loss': "'on'", 'process-crash': "'off'", none: 'DEFAULT' }[durability ?? 'none'];
  return `
    SET search_path TO ${schema};
    SET default_transaction_isolation TO 'read committed';
    SET synchronous_commit TO ${commits};
    SET plan_cache_mode TO force_generic_plan;
    SET enable_seqscan TO off;
    SET jit TO off;
    SET client_min_messages TO warning;
    SET datestyle TO 'ISO';
    SET array_nulls TO on;
    SET lock_timeout TO 0;
    SET statement_timeout TO ${STATEMENT_LIMIT};
    SET idle_in_transaction_session_timeout TO '20s'`;
}
