import type { Migration } from '../schema.ts';

/** What saves and removes steps, with all that ends with them. */
export const STEPS: Migration = {
  name: 'steps',
  sql: `
-- Writes one step: outcome 0 = written, 1 = its fence is stale, 2 = the step is another's, 3 = its origin is not known (any more) and has to be sent; and the row of
-- its execution. p_known says which row the sender means when it leaves the origin out; machine, file and parent come with the origin. p_work is null where no
-- work is over, p_prune where nothing has to go. What it touches of waits is locked: see lock_ends.
CREATE FUNCTION write_step(
  p_again boolean, p_id text, p_step bigint, p_nonce uuid, p_checksum bigint, p_created_at text,
  p_state text, p_status text, p_error text, p_body text, p_events text,
  p_known bigint, p_origin_id bigint, p_origin text, p_machine_name text, p_machine_file text, p_parent text,
  p_fence_key text, p_fence_token bigint, p_work bigint, p_returned boolean, p_prune bigint,
  OUT outcome integer, OUT execution bigint
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  before text;
BEGIN
  SELECT e.id, e.status INTO execution, before FROM executions e WHERE e.execution_id = p_id FOR KEY SHARE;
  IF p_again THEN
    PERFORM 1 FROM steps s WHERE s.execution = write_step.execution AND s.step = p_step AND s.nonce = p_nonce;
    IF FOUND THEN outcome := 0; RETURN; END IF;
  END IF;
  IF p_fence_key IS NOT NULL THEN
    PERFORM 1 FROM leases l WHERE l.key = p_fence_key AND l.token = p_fence_token FOR SHARE;
    IF NOT FOUND THEN outcome := 1; RETURN; END IF;
  END IF;
  IF p_origin IS NULL THEN
    IF execution IS DISTINCT FROM p_known THEN outcome := 3; RETURN; END IF;
  ELSE
    IF execution IS NULL THEN
      INSERT INTO executions AS e (execution_id, machine_name, machine_file, parent_execution_id, status, state, step, created_at, updated_at, error)
      VALUES (p_id, p_machine_name, p_machine_file, p_parent, p_status, p_state, p_step, p_created_at, p_created_at, p_error)
      ON CONFLICT (execution_id) DO UPDATE SET execution_id = excluded.execution_id
      RETURNING e.id, CASE WHEN e.xmax <> 0 THEN e.status END INTO execution, before;
    END IF;
    INSERT INTO origins (execution, id, body) VALUES (execution, p_origin_id, p_origin) ON CONFLICT DO NOTHING;
  END IF;

  INSERT INTO steps (execution, step, origin, checksum, nonce, created_at, state, body, events)
  VALUES (execution, p_step, p_origin_id, p_checksum, p_nonce, p_created_at, p_state, p_body, p_events)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    -- A first try that was still under way at the look above has been waited for.
    SELECT CASE WHEN s.nonce = p_nonce THEN 0 ELSE 2 END INTO outcome FROM steps s
    WHERE s.execution = write_step.execution AND s.step = p_step;
    outcome := coalesce(outcome, 2);
    RETURN;
  END IF;
  outcome := 0;

  IF before <> 'running' OR (before = 'running' AND (p_status <> 'running' OR p_origin IS NOT NULL)) THEN
    UPDATE executions e SET status = p_status, state = p_state, step = p_step, updated_at = p_created_at, error = p_error,
      machine_name = coalesce(p_machine_name, e.machine_name),
      machine_file = CASE WHEN p_origin IS NULL THEN e.machine_file ELSE p_machine_file END
    WHERE e.id = write_step.execution AND e.step <= p_step;
  END IF;
  IF p_prune IS NOT NULL THEN
    DELETE FROM steps s WHERE s.execution = write_step.execution AND s.step <= p_prune;
  END IF;
  IF p_work IS NOT NULL THEN
    DELETE FROM journal j WHERE j.execution_id = p_id AND j.work <= p_work;
    IF end_waits(p_id, p_work, p_returned) THEN PERFORM tell('ready', ''); END IF;
  END IF;
  IF p_status IN ('completed', 'failed', 'cancelled') THEN
    UPDATE waits w SET ready = true FROM awaited a WHERE a.child = p_id AND w.id = a.wait AND NOT w.ready;
    IF FOUND THEN PERFORM tell('ready', ''); END IF;
  END IF;
END $$;

-- Writes several, each as write_step does. They come sorted by fence.
CREATE FUNCTION write_steps(
  p_again boolean, p_ids text[], p_steps bigint[], p_nonces uuid[], p_checksums bigint[], p_created_at text[],
  p_states text[], p_statuses text[], p_errors text[], p_bodies text[], p_events text[],
  p_known bigint[], p_origin_ids bigint[], p_origins text[], p_machine_names text[], p_machine_files text[], p_parents text[],
  p_fence_keys text[], p_fence_tokens bigint[], p_works bigint[], p_returned boolean[], p_prunes bigint[]
) RETURNS TABLE (outcome integer, execution bigint) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM lock_ends(p_ids, p_statuses, p_works);
  FOR n IN 1 .. cardinality(p_ids) LOOP
    SELECT * INTO outcome, execution FROM write_step(
      p_again, p_ids[n], p_steps[n], p_nonces[n], p_checksums[n], p_created_at[n],
      p_states[n], p_statuses[n], p_errors[n], p_bodies[n], p_events[n],
      p_known[n], p_origin_ids[n], p_origins[n], p_machine_names[n], p_machine_files[n], p_parents[n],
      p_fence_keys[n], p_fence_tokens[n], p_works[n], p_returned[n], p_prunes[n]);
    RETURN NEXT;
  END LOOP;
END $$;

-- Removes an execution with everything that belongs to it.
CREATE FUNCTION delete_execution(p_id text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  gone bigint;
BEGIN
  PERFORM lock_waits('{}', ARRAY[p_id], '{}');
  DELETE FROM executions e WHERE e.execution_id = p_id RETURNING e.id INTO gone;
  DELETE FROM steps s WHERE s.execution = gone;
  DELETE FROM origins o WHERE o.execution = gone;
  DELETE FROM journal j WHERE j.execution_id = p_id;
  DELETE FROM results r WHERE r.execution_id = p_id;
  IF end_waits(p_id, 9223372036854775807, true) THEN PERFORM tell('ready', ''); END IF;
END $$;

-- Removes one step, and the execution with its last.
CREATE FUNCTION delete_step(p_id text, p_step bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  owner bigint;
BEGIN
  SELECT e.id INTO owner FROM executions e WHERE e.execution_id = p_id FOR UPDATE;
  DELETE FROM steps s WHERE s.execution = owner AND s.step = p_step;
  IF NOT EXISTS (SELECT 1 FROM steps s WHERE s.execution = owner) THEN
    DELETE FROM origins o WHERE o.execution = owner;
    DELETE FROM executions e WHERE e.id = owner;
  END IF;
END $$;`,
};
