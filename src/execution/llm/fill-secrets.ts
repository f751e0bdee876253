import { FlatMachineError } from '../../errors.ts';
import { isJsonObject } from '../../json.ts';
import type { JsonValue } from '../../types.ts';
import { agentError } from '../agents/errors.ts';

/** Environment variables, as an agent is given them. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Values with secrets in them, and the secrets, so that they can be kept out of messages. */
export interface Filled {
  values: Record<string, string>;
  secrets: string[];
}

const REFERENCE = /\$\{([A-Za-z_]\w*)\}/g;

/**
 * Headers or variables as a file has them, with what they take from the environment: `${NAME}` inside a text, or `{env: NAME}` for the whole value.
 * @param what for messages: `headers of agent "coder"`
 * @throws FlatMachineError `auth` for a variable that is not set, `invalid-machine` for a value of another kind
 */
export function fillSecrets(map: JsonValue | undefined, env: Variables, what: string): Filled {
  const filled: Filled = { values: {}, secrets: [] };
  if (map == null) return filled;
  if (!isJsonObject(map)) throw new FlatMachineError('invalid-machine', `${what} must be a map`);
  const take = (name: string): string => {
    const value = secret(env, name, what);
    filled.secrets.push(value);
    return value;
  };
  for (const [name, value] of Object.entries(map)) {
    filled.values[name] = fill(value, take, `${what}: ${name}`);
  }
  return filled;
}

function fill(value: JsonValue, take: (name: string) => string, what: string): string {
  if (isJsonObject(value) && typeof value.env === 'string') return take(value.env);
  if (typeof value === 'string') return value.replace(REFERENCE, (_all, name: string) => take(name));
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new FlatMachineError('invalid-machine', `${what} must be text or {env: NAME}`);
}

/** A variable that must be set. @throws FlatMachineError `auth` */
export function secret(env: Variables, name: string, what: string): string {
  const value = env[name];
  if (value !== undefined && value !== '') return value;
  throw agentError('auth', `${what}: the environment variable ${name} is not set`, {
    details: { variable: name },
    remedy: `Set ${name}.`,
  });
}
