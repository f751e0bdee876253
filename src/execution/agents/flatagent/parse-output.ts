import type { FlatMachineError } from '../../../errors.ts';
import { agentError } from '../errors.ts';
import type { AgentResult } from '../interfaces.ts';
import { coerceFields, Mismatch } from './coerce.ts';
import { findJson } from './find-json.ts';
import type { OutputFields } from './output-schema.ts';

/** How much of an answer that cannot be used stands in the error, UTF-16 units. */
const MAX_HEAD = 2000;

/**
 * An answer with the output that its text holds.
 * @throws FlatMachineError `invalid-output` when the text holds no such output, even mended; the answer's head is in its details
 */
export function withOutput(result: AgentResult, fields: OutputFields): AgentResult {
  const text = result.content ?? '';
  const cut = result.finish_reason === 'length';
  const map = findJson(text, !cut);
  if (map === null)
    throw invalid(cut ? 'the answer was cut off' : 'the answer holds no JSON object', result, cut);
  try {
    return { ...result, output: coerceFields(map, fields) };
  } catch (error) {
    if (error instanceof Mismatch) throw invalid(error.message, result, cut);
    throw error;
  }
}

function invalid(problem: string, { content, finish_reason }: AgentResult, cut: boolean): FlatMachineError {
  const answer = (content ?? '').slice(0, MAX_HEAD);
  return agentError('invalid-output', `the answer is not what \`output\` asks for: ${problem}`, {
    details: { answer, finish_reason: finish_reason ?? null },
    ...(cut ? { remedy: 'Raise `max_tokens` of the model.' } : {}),
  });
}
