import type { ExecRequest, ExecResult, Outcome } from '../interfaces.ts';
import { VERDICTS } from '../outcome.ts';
import { type KeptStream, streamText } from './output.ts';
import type { CommandRecord } from './record.ts';

const KILLED = 137;

/** The result of a command that the journal has a record of. */
export function finishedResult(
  request: ExecRequest,
  record: CommandRecord,
  kept: { stdout: KeptStream; stderr: KeptStream },
  replayed: boolean,
): ExecResult {
  const outcome = outcomeOf(record, request.outputLimit);
  const stdout = streamText(kept.stdout);
  const stderr = streamText(kept.stderr);
  return {
    output: stdout + stderr,
    stdout,
    stderr,
    returncode: record.why === null ? record.code : null,
    timed_out: outcome === 'timeout',
    truncated:
      [record.stdout, record.stderr].some((s) => s.lossy) || kept.stdout.dropped + kept.stderr.dropped > 0,
    bytes: { stdout: record.stdout.total, stderr: record.stderr.total },
    duration_ms: record.durationMs,
    outcome,
    ...VERDICTS[outcome],
    replayed,
  };
}

function outcomeOf(record: CommandRecord, limit: number | undefined): Outcome {
  if (record.why !== null) return record.why;
  // it may have ended by itself just before it was ended for the same reason
  if (limit !== undefined && record.stdout.total + record.stderr.total > limit) return 'output_capped';
  if (record.code === KILLED && record.oom) return 'oom';
  return record.code === 0 ? 'ok' : 'nonzero';
}

/** The result of a command that went down with its box, or whose supervisor was killed. Nothing can be learned from it. */
export function lostResult(durationMs: number): ExecResult {
  return {
    output: '',
    stdout: '',
    stderr: '',
    returncode: null,
    timed_out: false,
    truncated: false,
    bytes: { stdout: 0, stderr: 0 },
    duration_ms: Math.round(durationMs),
    outcome: 'sandbox_lost',
    ...VERDICTS.sandbox_lost,
    replayed: false,
  };
}
