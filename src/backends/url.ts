import { FlatMachineError } from '../errors.ts';
import type { BackendOptions, Durability } from './interfaces.ts';
import { isMixedUrl, mapMixedUrl } from './mixed-url.ts';

/** The URL of a store, taken apart. */
export interface BackendUrl {
  /** Before the first colon. */
  scheme: string;
  /** Between that and the `?`. */
  location: string;
  /** What follows the `?`, but for `durability`. */
  parameters: ReadonlyMap<string, string>;
}

const DURABILITIES: readonly Durability[] = ['power-loss', 'process-crash', 'none'];

/**
 * Takes a URL apart: `sqlite:PATH`, `redis://HOST:PORT/0?prefix=x`, or a bare name. `?durability=` goes to the options.
 * @throws FlatMachineError `usage` for a durability that does not exist
 */
export function parseBackendUrl(url: string): { url: BackendUrl; options: BackendOptions } {
  const query = url.indexOf('?');
  const base = query === -1 ? url : url.slice(0, query);
  const colon = base.indexOf(':');
  const parameters = new Map(new URLSearchParams(query === -1 ? '' : url.slice(query + 1)));
  const options = durabilityOf(parameters, url);
  parameters.delete('durability');
  return {
    url: {
      scheme: colon === -1 ? base : base.slice(0, colon),
      location: colon === -1 ? '' : base.slice(colon + 1),
      parameters,
    },
    options,
  };
}

function durabilityOf(parameters: ReadonlyMap<string, string>, url: string): BackendOptions {
  const value = parameters.get('durability');
  if (value === undefined) return {};
  const durability = DURABILITIES.find((known) => known === value);
  if (durability) return { durability };
  throw new FlatMachineError(
    'usage',
    `${withoutSecrets(url)} asks for a durability that does not exist: ${value}`,
    {
      remedy: 'Use ?durability=power-loss or ?durability=process-crash.',
    },
  );
}

/** Other schemes of the same technologies. */
const ALIASES: Readonly<Record<string, string>> = { rediss: 'redis', postgresql: 'postgres' };

/** The technology that keeps what a URL, or its scheme alone, names. */
export function technologyOf(url: string): string {
  const scheme = url.split(/[:?]/, 1)[0] as string;
  return ALIASES[scheme] ?? scheme;
}

/** Refuses parameters that a technology does not have. @throws FlatMachineError `usage` */
export function checkParameters(url: BackendUrl, known: readonly string[]): void {
  const strange = [...url.parameters.keys()].find((name) => !known.includes(name));
  if (strange === undefined) return;
  // What is no name may be a piece of a password.
  const shown = /^\w+$/.test(strange) ? JSON.stringify(strange) : 'of such a name';
  throw new FlatMachineError('usage', `a ${url.scheme} URL has no parameter ${shown}`, {
    remedy: `It may have: ${['durability', ...known].join(', ')}.`,
  });
}

/**
 * Between the user's name and the host: a password. One that holds `/`, `?` or `#`, which had to be escaped, goes on to the last `@`; but what begins as a port
 * number is one.
 */
const PASSWORD = /^([a-z0-9+]+:\/\/[^/?#@:]*):(?:[^/?#]*|(?!\d+(?:[/?#]|$)).*)@/is;

/** A URL as it may be shown: without its password, also where it is no valid URL for that. */
export function withoutSecrets(url: string): string {
  if (isMixedUrl(url)) return mapMixedUrl(url, withoutSecrets);
  return url.replace(PASSWORD, '$1:***@').replace(/([?&](?:password|token|secret)[^=]*=)[^&]*/gi, '$1***');
}
