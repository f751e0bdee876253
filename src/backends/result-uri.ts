import { FlatMachineError } from '../errors.ts';
import { checkId } from './keys.ts';

const SCHEME = 'flatagents://';

/** The parts of a result's URI. */
export interface ResultUri {
  executionId: string;
  /** `result` unless the URI says otherwise. */
  path: string;
}

/**
 * Takes `flatagents://{execution_id}/{path}` apart; a missing path is `result`. Nothing is percent-decoded.
 * @throws FlatMachineError `usage` for another scheme, `invalid-id` for an id that is none
 */
export function parseResultUri(uri: string): ResultUri {
  if (typeof uri !== 'string' || !uri.startsWith(SCHEME)) {
    throw new FlatMachineError('usage', `${JSON.stringify(uri)} is not a result URI`, {
      remedy: `Use ${SCHEME}{execution_id}/result.`,
    });
  }
  const rest = uri.slice(SCHEME.length);
  const slash = rest.indexOf('/');
  const executionId = slash === -1 ? rest : rest.slice(0, slash);
  checkId(executionId);
  return { executionId, path: (slash === -1 ? '' : rest.slice(slash + 1)) || 'result' };
}

/** What is kept of an execution under its URI. */
export const RESULT_PATHS = ['result', 'checkpoint'] as const;

/** The URI of what is kept of an execution; by default of its result. */
export function resultUri(executionId: string, path: (typeof RESULT_PATHS)[number] = 'result'): string {
  return `${SCHEME}${executionId}/${path}`;
}
