import type { Migration } from '../schema.ts';

/**
 * Environments and their slots. `seq` is the order in which slots were added; `version` grows with each change of a slot, so that one that was computed from
 * an older look at it is not written; `change` is the nonce of its newest change, so that one whose answer was lost is known again. `nonce` is the same for
 * the recording of an environment.
 */
const TABLES = `
CREATE TABLE environments (
  environment_id text COLLATE "C" PRIMARY KEY,
  pool text COLLATE "C" NOT NULL,
  runner text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  address text NOT NULL,
  spec text NOT NULL,
  owner text COLLATE "C" NOT NULL,
  created_at text COLLATE "C" NOT NULL,
  nonce uuid NOT NULL
);
CREATE TABLE slots (
  slot_id text COLLATE "C" PRIMARY KEY,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  alloc_id text COLLATE "C" NOT NULL,
  container_addr text NOT NULL,
  workspace_dir text NOT NULL,
  state text COLLATE "C" NOT NULL,
  trajectory_id text COLLATE "C",
  metadata text NOT NULL,
  pool text COLLATE "C" NOT NULL,
  token bigint NOT NULL,
  version bigint NOT NULL DEFAULT 0,
  change uuid
);
CREATE INDEX slots_by_state ON slots (pool, state, alloc_id);
CREATE INDEX slots_by_environment ON slots (alloc_id);
CREATE INDEX slots_by_trajectory ON slots (trajectory_id) WHERE trajectory_id IS NOT NULL;
`;

const ENVIRONMENTS = `
-- What became of it: 'recorded', 'stale' fence, or 'known'.
CREATE FUNCTION add_environment(
  p_fence_key text, p_fence_token bigint, p_id text, p_pool text, p_runner text, p_state text, p_address text, p_spec text,
  p_owner text, p_created_at text, p_nonce uuid
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF is_stale(p_fence_key, p_fence_token) THEN RETURN 'stale'; END IF;
  INSERT INTO environments (environment_id, pool, runner, state, address, spec, owner, created_at, nonce)
  VALUES (p_id, p_pool, p_runner, p_state, p_address, p_spec, p_owner, p_created_at, p_nonce) ON CONFLICT DO NOTHING;
  IF EXISTS (SELECT FROM environments WHERE environment_id = p_id AND nonce = p_nonce) THEN RETURN 'recorded'; END IF;
  RETURN 'known';
END $$;

-- The lock keeps slots from being handed out until this is committed.
CREATE FUNCTION retire_environment(p_id text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_state text;
BEGIN
  SELECT state INTO v_state FROM environments WHERE environment_id = p_id FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  IF v_state <> 'creating' AND EXISTS (
    SELECT FROM slots WHERE alloc_id = p_id AND state IN ('acquired', 'executing', 'releasing')
  ) THEN RETURN false; END IF;
  UPDATE environments SET state = 'destroying' WHERE environment_id = p_id;
  RETURN true;
END $$;

CREATE FUNCTION remove_environment(p_id text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM environments WHERE environment_id = p_id;
  DELETE FROM slots WHERE alloc_id = p_id;
END $$;

-- The environment that is missing, or null. Those that are there stay until this is committed.
CREATE FUNCTION add_slots(
  p_ids text[], p_environments text[], p_addresses text[], p_workspaces text[], p_states text[], p_trajectories text[],
  p_metadata text[], p_pools text[], p_tokens bigint[]
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_missing text;
BEGIN
  PERFORM FROM environments WHERE environment_id = ANY (p_environments) ORDER BY environment_id FOR KEY SHARE;
  SELECT id INTO v_missing FROM unnest(p_environments) id WHERE NOT EXISTS (SELECT FROM environments WHERE environment_id = id) LIMIT 1;
  IF v_missing IS NULL THEN
    INSERT INTO slots (slot_id, alloc_id, container_addr, workspace_dir, state, trajectory_id, metadata, pool, token)
    SELECT id, environment, address, workspace, state, trajectory, metadata, pool, token
    FROM unnest(p_ids, p_environments, p_addresses, p_workspaces, p_states, p_trajectories, p_metadata, p_pools, p_tokens)
      WITH ORDINALITY AS s (id, environment, address, workspace, state, trajectory, metadata, pool, token, n)
    ORDER BY n ON CONFLICT DO NOTHING;
  END IF;
  RETURN v_missing;
END $$;
`;

/**
 * Takes the slot that a trajectory holds, else a free one of the fullest environment, so that others fall idle and can be taken down. The lock on the
 * environment keeps it from being retired until this is committed; the one on the trajectory keeps a call that is repeated behind its first.
 */
const ACQUIRE = `
CREATE FUNCTION acquire_slot(p_pool text, p_trajectory text, p_fence_key text, p_fence_token bigint)
RETURNS TABLE (stale boolean, slot json) LANGUAGE plpgsql AS $$
DECLARE
  v_slot slots;
  v_environment text;
  v_tried text[] := '{}';
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(current_schema() || ' slot ' || p_trajectory, 0));
  stale := is_stale(p_fence_key, p_fence_token);
  IF stale THEN RETURN NEXT; RETURN; END IF;

  UPDATE slots s SET token = s.token + 1, version = s.version + 1, change = NULL
  WHERE s.slot_id = (
    SELECT h.slot_id FROM slots h
    WHERE h.trajectory_id = p_trajectory AND h.pool = p_pool AND h.state IN ('acquired', 'executing') ORDER BY h.seq LIMIT 1 FOR UPDATE
  ) RETURNING * INTO v_slot;

  WHILE v_slot.slot_id IS NULL LOOP
    SELECT e.environment_id INTO v_environment
    FROM slots s JOIN environments e ON e.environment_id = s.alloc_id
    WHERE s.pool = p_pool AND s.state = 'available' AND e.state = 'ready' AND e.environment_id <> ALL (v_tried)
    GROUP BY e.environment_id ORDER BY count(*), e.created_at, e.environment_id LIMIT 1;
    EXIT WHEN NOT FOUND;
    PERFORM FROM environments e WHERE e.environment_id = v_environment AND e.state = 'ready' FOR SHARE;
    IF FOUND THEN
      UPDATE slots s SET state = 'acquired', trajectory_id = p_trajectory, token = s.token + 1, version = s.version + 1, change = NULL
      WHERE s.slot_id = (
        SELECT f.slot_id FROM slots f WHERE f.pool = p_pool AND f.state = 'available' AND f.alloc_id = v_environment
        ORDER BY f.seq LIMIT 1 FOR UPDATE SKIP LOCKED
      ) RETURNING * INTO v_slot;
    END IF;
    -- What others have just locked is gone, unless they fail: they are not waited for.
    v_tried := v_tried || v_environment;
  END LOOP;
  slot := row_to_json(v_slot);
  RETURN NEXT;
END $$;
`;

/** Everything of slots. */
export const SLOTS: Migration = { name: 'slots', sql: TABLES + ENVIRONMENTS + ACQUIRE };
