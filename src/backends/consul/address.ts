import { FlatMachineError } from '../../errors.ts';
import type { BackendUrl } from '../url.ts';

/** Which Consul agent is asked, as whom, and where in its key-value store. */
export interface ConsulAddress {
  /** `http://HOST:PORT` */
  origin: string;
  /** Before every key; ends in `/`. */
  prefix: string;
  token: string | null;
  /** The URL, to be shown: without the token. */
  shown: string;
}

const DEFAULT_PORT = 8500;

/**
 * Takes `consul://HOST:PORT?prefix=&token=&tls=` apart. The token may also stand in `CONSUL_HTTP_TOKEN`.
 * @throws FlatMachineError `usage`
 */
export function parseConsulUrl({ location, parameters }: BackendUrl): ConsulAddress {
  const match = /^\/\/(\[[0-9a-f:]+\]|[^:/@[\]]+)(?::(\d{1,5}))?\/?$/i.exec(location);
  if (!match) {
    throw new FlatMachineError('usage', 'a consul URL names the agent and nothing else', {
      remedy: 'Use consul://HOST:PORT, with ?prefix=, ?token= or ?tls=true as needed.',
    });
  }
  const tls = parameters.get('tls') ?? 'false';
  if (tls !== 'true' && tls !== 'false') {
    throw new FlatMachineError('usage', `tls is true or false, not ${JSON.stringify(tls)}`);
  }
  const host = `${match[1]}:${match[2] ?? DEFAULT_PORT}`;
  const name = (parameters.get('prefix') ?? 'flatmachine').replace(/^\/+|\/+$/g, '');
  const query = new URLSearchParams();
  if (parameters.has('prefix')) query.set('prefix', name);
  if (tls === 'true') query.set('tls', tls);
  return {
    origin: `${tls === 'true' ? 'https' : 'http'}://${host}`,
    prefix: name === '' ? '' : `${name}/`,
    token: parameters.get('token') ?? process.env.CONSUL_HTTP_TOKEN ?? null,
    shown: `consul://${host}${query.size > 0 ? `?${query}` : ''}`,
  };
}
