import { FlatMachineError } from '../../errors.ts';

const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full: make room. Nothing of this write is valid.',
  EDQUOT: 'The quota is used up: make room. Nothing of this write is valid.',
  EROFS: 'The file system is read-only: use another directory, or mount it for writing.',
  EACCES: 'This user may not do that there: change the owner or the mode of the directory.',
  EPERM: 'This user may not do that there; some file systems have no hard links, which this store needs.',
  EOPNOTSUPP: 'The file system has no hard links, which this store needs: use another directory.',
  EINVAL: 'Some file systems cannot make a directory last: use another one, or ?durability=process-crash.',
  EMFILE: 'This process has too many files open: raise `ulimit -n`.',
  ENFILE: 'The system has too many files open.',
  ENOTDIR: 'A file stands where a directory has to be: use another directory.',
};

/** The system's name of what went wrong, e.g. `ENOSPC`, or null for errors that are not the system's. */
export function errnoOf(error: unknown): string | null {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : null;
}

/** Runs `work`; null when a file it needs is not there. */
export function orMissing<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Any error of the store as one of ours: those that are already stay as they are. */
export function fileError(root: string, error: unknown): FlatMachineError {
  if (error instanceof FlatMachineError) return error;
  const code = errnoOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const remedy = code === null ? undefined : REMEDIES[code];
  return new FlatMachineError('backend', `the store ${root} failed: ${message}`, {
    cause: error,
    ...(code === null ? {} : { details: { errno: code } }),
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/** The error of a directory that is none, or leads elsewhere. */
export function notADirectory(path: string): FlatMachineError {
  return new FlatMachineError('backend', `${path} is not a directory, or is a symbolic link to one`, {
    remedy: 'Nothing is written through links: put a directory there, or remove it.',
  });
}
