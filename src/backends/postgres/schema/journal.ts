import type { Migration } from '../schema.ts';

/** One row per entry, whose id is its place in the order. Keys are kept as JSON, since text cannot hold a zero, and found by digest, since they may be long. */
export const JOURNAL: Migration = {
  name: 'journal',
  sql: `
CREATE TABLE journal (
  id bigint GENERATED ALWAYS AS IDENTITY,
  execution_id text COLLATE "C" NOT NULL,
  work bigint NOT NULL,
  digest text COLLATE "C" NOT NULL,
  nonce uuid NOT NULL,
  checksum bigint NOT NULL,
  key text NOT NULL,
  value text NOT NULL,
  PRIMARY KEY (execution_id, work, digest)
);

-- For each member, in order: 0 = written, 1 = its fence is stale, 2 = there is another entry under this key. Members come sorted by fence.
CREATE FUNCTION append_entries(
  p_again boolean, p_ids text[], p_works bigint[], p_digests text[], p_nonces uuid[], p_checksums bigint[],
  p_keys text[], p_values text[], p_fence_keys text[], p_fence_tokens bigint[]
) RETURNS SETOF integer LANGUAGE plpgsql AS $$
BEGIN
  FOR n IN 1 .. cardinality(p_ids) LOOP
    IF p_again THEN
      PERFORM 1 FROM journal j
      WHERE j.execution_id = p_ids[n] AND j.work = p_works[n] AND j.digest = p_digests[n] AND j.nonce = p_nonces[n];
      IF FOUND THEN RETURN NEXT 0; CONTINUE; END IF;
    END IF;
    IF p_fence_keys[n] IS NOT NULL AND is_stale(p_fence_keys[n], p_fence_tokens[n]) THEN
      RETURN NEXT 1; CONTINUE;
    END IF;
    INSERT INTO journal (execution_id, work, digest, nonce, checksum, key, value)
    VALUES (p_ids[n], p_works[n], p_digests[n], p_nonces[n], p_checksums[n], p_keys[n], p_values[n])
    ON CONFLICT DO NOTHING;
    IF FOUND THEN RETURN NEXT 0; CONTINUE; END IF;
    -- What is in the way may be the own first try, which was still under way at the look above.
    PERFORM 1 FROM journal j
    WHERE j.execution_id = p_ids[n] AND j.work = p_works[n] AND j.digest = p_digests[n] AND j.nonce = p_nonces[n];
    RETURN NEXT CASE WHEN FOUND THEN 0 ELSE 2 END;
  END LOOP;
END $$;`,
};
