import { BY_INDEX } from './by-index.ts';

/** Most items whose lease or delay has run out that one claim moves. */
const SWEEP = 1000;

/** Whether a finish `e` is the end of an item `s`. */
const OVER = "(e.status = 'done' OR e.status = 'failed' AND (e.poison OR s.attempts >= s.max_retries))";

/**
 * Ends attempts, then claims. All items that the claims of one call get are picked at once and dealt out in their order. Answers with a row per finish
 * that is not 'ok' (`kind` = what became of it), one per claimed item (`kind` = 'claimed', `n` = the number of its claim), and one 'put_back' when leases had
 * run out.
 *
 * A call that is asked again because nobody knows what became of the first waits for that one's end, then gives what it claimed.
 */
export const EXCHANGE = `
CREATE FUNCTION work_exchange(
  p_pool text, p_again boolean,
  f_ids bigint[], f_tokens text[], f_statuses text[], f_results text[], f_errors text[], f_delays double precision[], f_poisons boolean[],
  c_tokens text[], c_workers text[], c_counts bigint[], c_leases double precision[]
) RETURNS TABLE (
  kind text, n bigint, place bigint, id bigint, data text, priority bigint, dedupe text, attempts bigint, max_retries bigint,
  pushed_at timestamptz, claimable_at timestamptz, claimed_by text, claimed_at timestamptz, lease_until timestamptz, error text
) LANGUAGE plpgsql ${BY_INDEX} AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
  v_pool integer := work_pool(p_pool);
  v_ended bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(coalesce(c_tokens[1], f_tokens[1]), 0));
  v_now := clock_timestamp();

  IF cardinality(f_ids) > 0 THEN
    -- Only what is claimed has a token. To ask for its status as well would make \`work_claimed\` look like the index to use.
    UPDATE work_state s SET
      status = CASE
        WHEN e.status = 'done' THEN 'done'
        WHEN e.status = 'failed' AND (e.poison OR s.attempts >= s.max_retries) THEN 'poisoned'
        WHEN e.delay > 0 THEN 'delayed'
        ELSE 'ready'
      END,
      attempts = s.attempts - CASE WHEN e.status = 'released' THEN 1 ELSE 0 END,
      claimable_at = CASE WHEN e.status = 'done' THEN s.claimable_at ELSE v_now + e.delay * interval '1 ms' END,
      finished_at = CASE WHEN ${OVER} THEN v_now END,
      claimed_by = CASE WHEN ${OVER} THEN s.claimed_by END,
      claimed_at = CASE WHEN ${OVER} THEN s.claimed_at END,
      error = CASE WHEN e.status = 'released' THEN s.error ELSE e.error END,
      result = e.result,
      ended = e.status || ' ' || e.token,
      claim_token = NULL,
      lease_until = NULL
    FROM (
      SELECT DISTINCT ON (id, token) * FROM unnest(f_ids, f_tokens, f_statuses, f_results, f_errors, f_delays, f_poisons)
        WITH ORDINALITY AS f (id, token, status, result, error, delay, poison, n)
      ORDER BY id, token, n
    ) e
    WHERE s.pool = v_pool AND s.id = e.id AND s.claim_token = e.token AND s.lease_until > v_now;
    GET DIAGNOSTICS v_ended = ROW_COUNT;
    IF v_ended < cardinality(f_ids) THEN
      RETURN QUERY
        SELECT CASE WHEN s.id IS NULL THEN 'absent' ELSE 'lost' END, f.n,
          NULL::bigint, NULL::bigint, NULL, NULL::bigint, NULL, NULL::bigint, NULL::bigint,
          NULL::timestamptz, NULL::timestamptz, NULL, NULL::timestamptz, NULL::timestamptz, NULL
        FROM unnest(f_ids, f_tokens, f_statuses) WITH ORDINALITY AS f (id, token, status, n)
          LEFT JOIN work_state s ON s.pool = v_pool AND s.id = f.id
        WHERE s.ended IS DISTINCT FROM f.status || ' ' || f.token;
    END IF;
  END IF;

  IF v_pool IS NULL OR cardinality(c_tokens) = 0 THEN RETURN; END IF;

  UPDATE work_state s SET
    status = CASE WHEN s.attempts >= s.max_retries THEN 'poisoned' ELSE 'ready' END,
    claimable_at = v_now,
    finished_at = CASE WHEN s.attempts >= s.max_retries THEN v_now END,
    claimed_by = CASE WHEN s.attempts >= s.max_retries THEN s.claimed_by END,
    claimed_at = CASE WHEN s.attempts >= s.max_retries THEN s.claimed_at END,
    error = 'worker ' || s.claimed_by || ' let its claim run out',
    claim_token = NULL, lease_until = NULL
  FROM (
    SELECT id FROM work_state WHERE pool = v_pool AND status = 'claimed' AND lease_until <= v_now
    ORDER BY lease_until LIMIT ${SWEEP} FOR UPDATE SKIP LOCKED
  ) late WHERE s.pool = v_pool AND s.id = late.id;
  IF FOUND THEN kind := 'put_back'; RETURN NEXT; END IF;

  UPDATE work_state s SET status = 'ready'
  FROM (
    SELECT id FROM work_state WHERE pool = v_pool AND status = 'delayed' AND claimable_at <= v_now
    ORDER BY claimable_at LIMIT ${SWEEP} FOR UPDATE SKIP LOCKED
  ) due WHERE s.pool = v_pool AND s.id = due.id;

  IF p_again THEN
    RETURN QUERY
      SELECT 'claimed', c.n, row_number() OVER (ORDER BY s.priority DESC, s.id), s.id, i.data, s.priority, i.dedupe, s.attempts, s.max_retries,
        i.pushed_at, s.claimable_at, s.claimed_by, s.claimed_at, s.lease_until, s.error
      FROM work_state s JOIN unnest(c_tokens) WITH ORDINALITY AS c (token, n) ON s.claim_token = c.token
        JOIN work_items i ON i.pool = v_pool AND i.id = s.id
      WHERE s.pool = v_pool AND s.status = 'claimed' AND s.lease_until > v_now;
    c_counts := ARRAY(
      SELECT CASE WHEN EXISTS (
        SELECT FROM work_state s WHERE s.pool = v_pool AND s.status = 'claimed' AND s.lease_until > v_now AND s.claim_token = c.token
      ) THEN 0 ELSE c.count END
      FROM unnest(c_tokens, c_counts) WITH ORDINALITY AS c (token, count, n) ORDER BY c.n
    );
  END IF;

  RETURN QUERY
    WITH claims AS (
      SELECT *, sum(count) OVER (ORDER BY n)::bigint AS upto FROM unnest(c_tokens, c_workers, c_counts, c_leases)
        WITH ORDINALITY AS c (token, worker, count, lease, n)
    ), picked AS MATERIALIZED (
      SELECT id, priority FROM work_state WHERE pool = v_pool AND status = 'ready'
      ORDER BY priority DESC, id LIMIT (SELECT sum(count) FROM unnest(c_counts) count) FOR UPDATE SKIP LOCKED
    ), dealt AS MATERIALIZED (
      SELECT c.*, p.id, p.place
      FROM (SELECT id, row_number() OVER (ORDER BY priority DESC, id) AS place FROM picked) p
        JOIN claims c ON p.place <= c.upto AND p.place > c.upto - c.count
    ), taken AS (
      UPDATE work_state s SET
        status = 'claimed', attempts = s.attempts + 1, claimed_by = d.worker, claimed_at = v_now,
        lease_until = v_now + d.lease * interval '1 ms', claim_token = d.token
      FROM dealt d WHERE s.pool = v_pool AND s.id = d.id
      RETURNING d.n, d.place, s.*
    )
    SELECT 'claimed', t.n, t.place, t.id, i.data, t.priority, i.dedupe, t.attempts, t.max_retries,
      i.pushed_at, t.claimable_at, t.claimed_by, t.claimed_at, t.lease_until, t.error
    FROM taken t JOIN work_items i ON i.pool = v_pool AND i.id = t.id;
END $$;
`;
