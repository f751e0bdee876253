import { openConnection } from './connection.ts';

/** The version of the SQLite that is linked in: `SQLite 3.50.2`. @throws what better-sqlite3 throws where it cannot be loaded */
export async function sqliteVersion(): Promise<string> {
  const database = openConnection(':memory:', 0);
  const version = database.prepare<[], string>('select sqlite_version()').pluck().get();
  database.close();
  return `SQLite ${version}`;
}
