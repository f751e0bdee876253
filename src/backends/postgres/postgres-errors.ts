import { FlatMachineError } from '../../errors.ts';

/**
 * What to do about an error of the driver. `lost`: the connection broke or the server is going down or coming up; whether the statement was done is unknown.
 * `rolled-back`: it was certainly not done, and may be tried again at once. `failed`: trying again would not help.
 */
export type Verdict = 'lost' | 'rolled-back' | 'failed';

/** Serialization failure, deadlock; a lock that was waited for too long, a statement that somebody or a limit has cancelled. */
const ROLLED_BACK: ReadonlySet<string> = new Set(['40001', '40P01', '55P03', '57014']);

/**
 * Shut down, crashed, starting up, a session or a transaction that took too long, too many connections, a server that has become a standby; and what the
 * operating system says of sockets. All of class 08 belongs to them.
 */
const LOST: ReadonlySet<string> = new Set([
  ...['57P01', '57P02', '57P03', '57P05', '25P03', '25P04', '53300', '25006'],
  ...['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['ENOTCONN', 'ENOENT', 'EAI_AGAIN'],
]);

/** What the driver itself says of a connection that is gone, without a code. */
const LOST_MESSAGE =
  /^(Connection terminated|Connection ended|Client has encountered a connection error|Client was closed|timeout expired|timeout exceeded when trying to connect|Query read timeout)/;

/** The code of a server's or a socket's error, or null. */
export function postgresCode(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : null;
}

/** What to do about an error. */
export function verdictOn(error: unknown): Verdict {
  const code = postgresCode(error);
  if (code !== null && ROLLED_BACK.has(code)) return 'rolled-back';
  if (code !== null && (LOST.has(code) || /^08...$/.test(code))) return 'lost';
  const message = error instanceof Error ? error.message : '';
  return LOST_MESSAGE.test(message) ? 'lost' : 'failed';
}

const REMEDIES: Readonly<Record<string, string>> = {
  '28P01': 'Check user and password in the URL.',
  '28000': 'Check user and password in the URL, and what pg_hba.conf lets in.',
  '3D000': 'Create the database, or name another one in the URL.',
  '42501':
    'Grant the user what it lacks: USAGE and CREATE on the schema, or CREATE on the database so that the schema can be made.',
  '53300': 'Raise max_connections, or lower `?pool=` in the URL.',
  '25006': 'Name the primary in the URL: this server, or this user, may only read.',
  ECONNREFUSED: 'Start the server, or mend host and port in the URL.',
  ENOTFOUND: 'Mend the host in the URL.',
};

/** Any error as one of ours: those that are already stay as they are. @param server what to call the server, without secrets */
export function backendError(server: string, error: unknown): FlatMachineError {
  if (error instanceof FlatMachineError) return error;
  const code = postgresCode(error);
  const said = error instanceof Error ? error.message : String(error);
  const remedy = code === null ? undefined : REMEDIES[code];
  const what = said === '' ? (code ?? 'unknown error') : `${said}${code === null ? '' : ` (${code})`}`;
  return new FlatMachineError('backend', `the store ${server} failed: ${what}`, {
    cause: error,
    ...(code === null ? {} : { details: { postgres_code: code } }),
    ...(remedy === undefined ? {} : { remedy }),
  });
}
