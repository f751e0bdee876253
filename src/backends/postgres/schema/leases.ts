import type { Migration } from '../schema.ts';

/**
 * No row, nobody holds it. Tokens come from a sequence and are drawn under a lock of their key, so that they grow per key whatever is deleted. Whoever
 * locks many rows, to renew them or to check fences, does so in the order of their keys, which callers sort.
 */
export const LEASES: Migration = {
  name: 'leases',
  sql: `
CREATE SEQUENCE lease_tokens;
CREATE TABLE leases (
  key text COLLATE "C" PRIMARY KEY,
  token bigint NOT NULL,
  nonce uuid NOT NULL,
  holder text COLLATE "C" NOT NULL,
  acquired_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX leases_by_holder ON leases (holder);

-- Takes what nobody alive holds. A holder in p_dead is known to be dead. Who asks again with the same nonce is given the same. Keys come sorted.
CREATE FUNCTION take_leases(p_keys text[], p_nonces uuid[], p_ttls double precision[], p_holder text, p_dead text[])
RETURNS TABLE (token bigint, holder text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  known leases%ROWTYPE;
BEGIN
  -- A lease outlives a crash of the server, or its token could be drawn twice.
  PERFORM set_config('synchronous_commit', 'on', true);
  FOR n IN 1 .. cardinality(p_keys) LOOP
    PERFORM pg_advisory_xact_lock(hashtextextended(current_schema() || ' lease ' || p_keys[n], 0));
    SELECT * INTO known FROM leases l WHERE l.key = p_keys[n] FOR UPDATE;
    holder := known.holder;
    token := NULL;
    IF known.nonce = p_nonces[n] THEN
      token := known.token;
    ELSIF known.key IS NULL OR known.expires_at <= clock_timestamp() OR known.holder = ANY (p_dead) THEN
      token := nextval('lease_tokens');
      INSERT INTO leases (key, token, nonce, holder, acquired_at, expires_at)
      VALUES (p_keys[n], token, p_nonces[n], p_holder, clock_timestamp(),
        clock_timestamp() + p_ttls[n] * interval '1 millisecond')
      ON CONFLICT (key) DO UPDATE SET token = excluded.token, nonce = excluded.nonce, holder = excluded.holder,
        acquired_at = excluded.acquired_at, expires_at = excluded.expires_at;
    END IF;
    RETURN NEXT;
  END LOOP;
END $$;

-- Prolongs those that are still the newest of their keys, and returns their tokens. Keys come sorted.
CREATE FUNCTION renew_leases(p_keys text[], p_tokens bigint[], p_ttl double precision)
RETURNS SETOF bigint LANGUAGE plpgsql AS $$
BEGIN
  FOR n IN 1 .. cardinality(p_keys) LOOP
    UPDATE leases l SET expires_at = clock_timestamp() + p_ttl * interval '1 millisecond'
    WHERE l.key = p_keys[n] AND l.token = p_tokens[n];
    IF FOUND THEN RETURN NEXT p_tokens[n]; END IF;
  END LOOP;
END $$;

-- Removes those that are still the newest of their keys. Keys come sorted.
CREATE FUNCTION give_leases(p_keys text[], p_tokens bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  awaited boolean := false;
BEGIN
  FOR n IN 1 .. cardinality(p_keys) LOOP
    DELETE FROM leases l WHERE l.key = p_keys[n] AND l.token = p_tokens[n];
    awaited := awaited OR (FOUND AND EXISTS (SELECT 1 FROM waits w WHERE w.execution_id = p_keys[n]));
  END LOOP;
  IF awaited THEN PERFORM tell('ready', ''); END IF;
END $$;

-- Whether this lease is not the newest of its key. When it is, whoever wants to take it waits until the caller has committed.
CREATE FUNCTION is_stale(p_key text, p_token bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM leases l WHERE l.key = p_key AND l.token = p_token FOR SHARE;
  RETURN NOT FOUND;
END $$;`,
};
