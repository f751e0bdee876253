/** Technologies by the role that a machine may name them for (`settings.backends`). What a role is kept in may also be named by a URL. */
export const BACKEND_NAMES: Readonly<Record<string, readonly string[]>> = {
  persistence: ['memory', 'local', 'sqlite', 'redis', 'postgres', 's3'],
  locking: ['none', 'memory', 'local', 'sqlite', 'redis', 'postgres', 'consul'],
  results: ['memory', 'local', 'sqlite', 'redis', 'postgres', 's3'],
  registration: ['memory', 'sqlite', 'redis', 'postgres'],
  work: ['memory', 'sqlite', 'redis', 'postgres'],
  signals: ['memory', 'sqlite', 'redis', 'postgres'],
};
