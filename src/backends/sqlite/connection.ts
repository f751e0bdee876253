import Database from 'better-sqlite3';

/**
 * Every connection and statement of this process, which are therefore never garbage: from Node 24.19 on, collecting one of better-sqlite3 12
 * outside of JavaScript aborts the process (its objects look for an environment that is not entered then); version 13 does not, and needs Node 22.
 * They are few: a fixed number per opened file.
 */
const immortal: unknown[] = [];

/**
 * Opens a SQLite file. Only `prepare` and `exec` may be used on the connection: `pragma` and `transaction` make statements that it cannot hold on to.
 * @param timeout milliseconds to wait for another process's lock
 */
export function openConnection(path: string, timeout: number): Database.Database {
  const connection = new Database(path, { timeout });
  const prepare: typeof connection.prepare = connection.prepare.bind(connection);
  connection.prepare = ((source: string) => {
    const statement = prepare(source);
    immortal.push(statement);
    return statement;
  }) as typeof connection.prepare;
  immortal.push(connection);
  return connection;
}
