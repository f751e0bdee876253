/**
 * Steps of the execution $1, joined with it and their origins: what `decodeSnapshot` takes, and their nonces.
 * @param which what follows `WHERE execution = …` of `steps`: one range of its index, whatever the planner thinks of the rest
 */
export function stepRows(which: string): string {
  return `
    SELECT e.execution_id, s.step, s.created_at, s.body, s.events, s.checksum, s.nonce, o.body AS origin
    FROM executions e
    CROSS JOIN LATERAL (SELECT * FROM steps s WHERE s.execution = e.id ${which}) s
    LEFT JOIN origins o ON o.execution = e.id AND o.id = s.origin
    WHERE e.execution_id = $1`;
}
