import { FlatMachineError } from '../errors.ts';

/**
 * The URL of a technology that is named without its place: `redis` is `REDIS_URL` or this host's, `postgres` is `DATABASE_URL` or what libpq's `PG…` variables say,
 * `consul` is `CONSUL_HTTP_ADDR` or this host's. Anything else stays as it is.
 * @throws FlatMachineError `unknown-backend` for `s3`, which has no place of its own
 */
export function namedPlace(named: string, env: NodeJS.ProcessEnv): string {
  switch (named) {
    case 'redis':
      return env.REDIS_URL || 'redis://127.0.0.1:6379';
    case 'postgres':
      return /^postgres(ql)?:/.test(env.DATABASE_URL ?? '') ? (env.DATABASE_URL as string) : 'postgres:';
    case 'consul':
      return consulUrl(env.CONSUL_HTTP_ADDR || '127.0.0.1:8500');
    case 's3':
      throw new FlatMachineError('unknown-backend', '`s3` does not say which bucket', {
        remedy: 'Name it: s3://BUCKET/PREFIX.',
      });
    default:
      return named;
  }
}

/** `HOST:PORT`, or a URL, as Consul's own tools read it. */
function consulUrl(address: string): string {
  const [, scheme, host = address] = /^(https?):\/\/([^/]*)/.exec(address) ?? [];
  return `consul://${host}${scheme === 'https' ? '?tls=true' : ''}`;
}
