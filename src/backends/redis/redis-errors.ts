import { FlatMachineError } from '../../errors.ts';

/** What helps against an error that the server itself reports, by how its text begins. */
const REMEDIES: ReadonlyMap<string, string> = new Map([
  ['WRONGPASS', 'Check user and password in the URL: redis://USER:PASSWORD@HOST.'],
  ['NOAUTH', 'The server wants a password: redis://:PASSWORD@HOST.'],
  [
    'NOPERM',
    'Give this user the right to read and write keys and channels of the prefix, and to run scripts.',
  ],
  ['WRONGTYPE', 'Something else uses keys of this prefix. Choose another with ?prefix=.'],
  ['READONLY', 'Use the address of the primary: this server is a replica.'],
  ['OOM', 'The server is out of memory: raise its maxmemory.'],
  ['MISCONF', 'The server cannot write to its disk: see its log.'],
]);

/** Errors of a server that will do what is asked for before long: it is being replaced by another, starts, or is busy. Nothing was done. */
const PASSING: ReadonlySet<string> = new Set([
  ...['READONLY', 'BUSY', 'LOADING', 'MASTERDOWN', 'NOREPLICAS', 'TRYAGAIN', 'CLUSTERDOWN'],
]);

/** How a server says, of a script, what it otherwise begins with `NOPERM`. */
const SCRIPT_NOT_PERMITTED = /^ERR The user executing the script can't/;

/** Any error of the driver as one of ours; those that are already stay as they are. @param url without secrets */
export function redisError(url: string, error: unknown): FlatMachineError {
  if (error instanceof FlatMachineError) return error;
  const message = error instanceof Error ? messageOf(error) : String(error);
  const kind = kindOf(message);
  const remedy = kind === null ? undefined : REMEDIES.get(kind);
  return new FlatMachineError('backend', `the store ${url} failed: ${message}`, {
    cause: bare(error),
    ...(kind === null ? {} : { details: { redis_error: kind } }),
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/** The error of a server that did not answer for as long as it is waited for. @param last what the connection failed with, if it said */
export function unreachable(url: string, seconds: number, last: Error | null): FlatMachineError {
  const why = last === null ? 'it does not answer' : messageOf(last);
  return new FlatMachineError(
    'backend',
    `the store ${url} could not be reached within ${seconds} s: ${why}`,
    {
      ...(last === null ? {} : { cause: bare(last) }),
      remedy:
        'See that the server runs, that the address is right and what its log says. Nothing that was acknowledged is lost.',
    },
  );
}

/** Whether a script has to be sent again because the server does not know it (any more). */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

/** Whether the same, asked again a little later, may well be done. */
export function isPassing(error: FlatMachineError): boolean {
  const { redis_error: kind } = (error.details ?? {}) as { redis_error?: string };
  return kind !== undefined && PASSING.has(kind);
}

function kindOf(message: string): string | null {
  if (SCRIPT_NOT_PERMITTED.test(message)) return 'NOPERM';
  return /^[A-Z]+(?= )/.exec(message)?.[0] ?? null;
}

/** Without the command that failed, which the driver adds: passwords are arguments, and so is all data. */
function bare(error: unknown): unknown {
  if (error instanceof Error && 'command' in error) delete error.command;
  return error;
}

/** Connection errors may come in bundles, one per address of the host, which have no message of their own. */
function messageOf(error: Error): string {
  if (error.message !== '') return error.message;
  if (error instanceof AggregateError) return error.errors.map((one: Error) => one.message).join(', ');
  return error.name;
}
