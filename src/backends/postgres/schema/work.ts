import type { Migration } from '../schema.ts';
import { BY_INDEX } from './by-index.ts';
import { EXCHANGE } from './work-exchange.ts';

/**
 * Work pools. `work_items` is what was pushed, written once; `work_state` is where each item stands, a narrow row that changes twice in the life of most
 * items. So a claim and a completion write a hundred bytes, however large the item, and what they leave behind is small.
 *
 * A status is split in two where a claim would otherwise have to look at rows that it cannot take: `delayed` is a pending item before its time. Each
 * status has an index of its own, in the order in which its rows are wanted. Most rows end as `done`, and are in none but that one.
 *
 * `ended` is the mark of the finish that ended the item's last attempt (`endMark`), so that one whose answer was lost can be repeated.
 *
 * Autovacuum: a drain kills an index entry per claim at the head of `work_ready`, where the next claim begins to look. So it comes by number of dead
 * rows, not by their share, and does not rest in between.
 */
const TABLES = `
CREATE TABLE work_pools (
  pool integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE
);
CREATE FUNCTION work_pool(p_name text) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT pool FROM work_pools WHERE name = p_name
$$;
CREATE TABLE work_items (
  pool integer NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY,
  nonce text COLLATE "C" NOT NULL,
  dedupe text COLLATE "C",
  max_retries bigint NOT NULL,
  pushed_at timestamptz NOT NULL,
  data text NOT NULL,
  PRIMARY KEY (pool, id)
);
CREATE UNIQUE INDEX work_nonces ON work_items (pool, nonce);
CREATE UNIQUE INDEX work_dedupe ON work_items (pool, dedupe) WHERE dedupe IS NOT NULL;
CREATE TABLE work_state (
  pool integer NOT NULL,
  id bigint NOT NULL,
  priority bigint NOT NULL,
  attempts bigint NOT NULL DEFAULT 0,
  max_retries bigint NOT NULL,
  claimable_at timestamptz NOT NULL,
  claimed_at timestamptz,
  lease_until timestamptz,
  finished_at timestamptz,
  status text COLLATE "C" NOT NULL,
  claim_token text COLLATE "C",
  ended text COLLATE "C",
  claimed_by text COLLATE "C",
  error text,
  result text,
  PRIMARY KEY (pool, id)
) WITH (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0.5, autovacuum_analyze_threshold = 10000
);
CREATE INDEX work_ready ON work_state (pool, priority DESC, id) WHERE status = 'ready';
CREATE INDEX work_delayed ON work_state (pool, claimable_at) WHERE status = 'delayed';
CREATE INDEX work_claimed ON work_state (pool, lease_until) WHERE status = 'claimed';
CREATE INDEX work_ended ON work_state (pool, status, finished_at) WHERE status IN ('done', 'poisoned');
`;

/** Adds items. What is known by its nonce or its key is not added again; its id is that of the one that is there. */
const PUSH = `
CREATE FUNCTION work_push(
  p_pool text, p_nonces text[], p_dedupes text[], p_data text[], p_retries bigint[], p_priorities bigint[], p_delays double precision[]
) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_pool integer := work_pool(p_pool);
  v_ids bigint[];
BEGIN
  IF v_pool IS NULL THEN
    INSERT INTO work_pools (name) VALUES (p_pool) ON CONFLICT DO NOTHING;
    v_pool := work_pool(p_pool);
  END IF;
  -- Another round only when the item that was in the way of an insertion was removed before the look at it.
  LOOP
    WITH given AS (
      SELECT * FROM unnest(p_nonces, p_dedupes, p_data, p_retries, p_priorities, p_delays)
        WITH ORDINALITY AS g (nonce, dedupe, data, retries, priority, delay, n)
    ), added AS (
      INSERT INTO work_items (pool, nonce, dedupe, max_retries, pushed_at, data)
      SELECT v_pool, nonce, dedupe, retries, v_now, data FROM given ORDER BY n
      ON CONFLICT DO NOTHING RETURNING id, nonce
    )
    INSERT INTO work_state (pool, id, priority, max_retries, claimable_at, status)
    SELECT v_pool, id, priority, retries, v_now + delay * interval '1 ms', CASE WHEN delay > 0 THEN 'delayed' ELSE 'ready' END
    FROM added JOIN given USING (nonce) ORDER BY id;
    SELECT array_agg(coalesce(
      (SELECT id FROM work_items w WHERE w.pool = v_pool AND w.nonce = g.nonce),
      (SELECT id FROM work_items w WHERE w.pool = v_pool AND w.dedupe = g.dedupe)
    ) ORDER BY n)
    INTO v_ids FROM unnest(p_nonces, p_dedupes) WITH ORDINALITY AS g (nonce, dedupe, n);
    IF array_position(v_ids, NULL) IS NULL THEN RETURN QUERY SELECT unnest(v_ids); RETURN; END IF;
  END LOOP;
END $$;
`;

/** Whatever else changes items; each answers with the ids that it changed, `work_renew` with the places of the claims that are held. */
const OTHERS = `
CREATE FUNCTION work_renew(p_pool text, p_ids bigint[], p_tokens text[], p_lease double precision)
RETURNS SETOF bigint LANGUAGE plpgsql ${BY_INDEX} AS $$
DECLARE
  v_now timestamptz;
  v_pool integer := work_pool(p_pool);
  v_held bigint[];
BEGIN
  PERFORM FROM work_state WHERE pool = v_pool AND id = ANY (p_ids) ORDER BY id FOR UPDATE;
  v_now := clock_timestamp();
  SELECT array_agg(r.n) INTO v_held
  FROM unnest(p_ids, p_tokens) WITH ORDINALITY AS r (id, token, n) JOIN work_state s ON s.pool = v_pool AND s.id = r.id
  WHERE s.claim_token = r.token AND s.lease_until > v_now;
  UPDATE work_state SET lease_until = v_now + p_lease * interval '1 ms' WHERE pool = v_pool AND id = ANY (
    SELECT p_ids[n] FROM unnest(v_held) n
  );
  RETURN QUERY SELECT unnest(v_held);
END $$;

CREATE FUNCTION work_reap(p_pool text, p_worker text) RETURNS SETOF bigint LANGUAGE plpgsql ${BY_INDEX} AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  RETURN QUERY UPDATE work_state s SET
    status = CASE WHEN s.attempts >= s.max_retries THEN 'poisoned' ELSE 'ready' END,
    claimable_at = v_now,
    finished_at = CASE WHEN s.attempts >= s.max_retries THEN v_now END,
    claimed_by = CASE WHEN s.attempts >= s.max_retries THEN s.claimed_by END,
    claimed_at = CASE WHEN s.attempts >= s.max_retries THEN s.claimed_at END,
    error = 'worker ' || s.claimed_by || ' was declared dead',
    claim_token = NULL, lease_until = NULL
  FROM (
    SELECT id FROM work_state WHERE pool = work_pool(p_pool) AND status = 'claimed' AND claimed_by = p_worker ORDER BY id FOR UPDATE
  ) held WHERE s.pool = work_pool(p_pool) AND s.id = held.id RETURNING s.id;
END $$;

CREATE FUNCTION work_requeue(p_pool text, p_ids bigint[]) RETURNS SETOF bigint LANGUAGE plpgsql ${BY_INDEX} AS $$
BEGIN
  RETURN QUERY UPDATE work_state s SET
    status = 'ready', attempts = 0, claimable_at = clock_timestamp(), finished_at = NULL, claimed_by = NULL, claimed_at = NULL
  WHERE s.pool = work_pool(p_pool) AND s.status = 'poisoned' AND (p_ids IS NULL OR s.id = ANY (p_ids)) RETURNING s.id;
END $$;

CREATE FUNCTION work_remove(p_pool text, p_ids bigint[]) RETURNS SETOF bigint LANGUAGE plpgsql ${BY_INDEX} AS $$
BEGIN
  RETURN QUERY WITH gone AS (
    DELETE FROM work_state s WHERE s.pool = work_pool(p_pool) AND s.id = ANY (p_ids) AND s.status <> 'claimed' RETURNING s.pool, s.id
  )
  DELETE FROM work_items i USING gone g WHERE i.pool = g.pool AND i.id = g.id RETURNING i.id;
END $$;
`;

/** Everything of work pools. */
export const WORK: Migration = { name: 'work', sql: TABLES + PUSH + EXCHANGE + OTHERS };
