import type { Migration } from '../schema.ts';

/**
 * `waits.ready` is set once the wait was given the signal it waits for, or a child in `awaited` has ended: it keeps finding those few among many at one look into
 * an index. `signals.given` counts the waits that were ever given it; 0 = it is queued, and then nobody waits on its channel; -1 = it is used up, and kept
 * for a while without its data so that its sender, asking again, is told so.
 *
 * What touches a channel holds its lock until it commits; channels are locked in order, then rows of `waits` in order. Between ends of children and those who
 * begin to wait for some there is one lock for all, shared by the ends.
 */
export const SIGNALS: Migration = {
  name: 'signals',
  sql: `
CREATE TABLE signals (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  channel text COLLATE "C" NOT NULL,
  checksum bigint NOT NULL,
  nonce uuid NOT NULL UNIQUE,
  given integer NOT NULL,
  used_at timestamptz,
  sent_at text NOT NULL,
  data text NOT NULL
);
CREATE INDEX signals_queued ON signals (channel, id) WHERE given = 0;
CREATE INDEX signals_used ON signals (used_at) WHERE used_at IS NOT NULL;

CREATE TABLE waits (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  execution_id text COLLATE "C" NOT NULL,
  work bigint NOT NULL,
  channel text COLLATE "C",
  deadline double precision,
  signal bigint,
  ready boolean NOT NULL DEFAULT false,
  UNIQUE (execution_id, work)
);
CREATE INDEX waits_open ON waits (channel, id) WHERE signal IS NULL;
CREATE INDEX waits_by_channel ON waits (channel, id);
CREATE INDEX waits_ready ON waits (id) WHERE ready;
CREATE INDEX waits_by_deadline ON waits (deadline) WHERE deadline IS NOT NULL;
CREATE INDEX waits_by_signal ON waits (signal) WHERE signal IS NOT NULL;

CREATE TABLE awaited (
  child text COLLATE "C" NOT NULL,
  wait bigint NOT NULL,
  PRIMARY KEY (child, wait)
);
CREATE INDEX awaited_by_wait ON awaited (wait);

CREATE FUNCTION lock_children(p_shared boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_shared THEN PERFORM pg_advisory_xact_lock_shared(hashtextextended(current_schema() || ' children', 0));
  ELSE PERFORM pg_advisory_xact_lock(hashtextextended(current_schema() || ' children', 0));
  END IF;
END $$;

CREATE FUNCTION channel_lock(p_channel text) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT hashtextextended(current_schema() || ' channel ' || p_channel, 0)
$$;

-- Locks, in order, all that the caller will touch: these channels, those of the waits of these executions, and the waits of whoever awaits these children.
CREATE FUNCTION lock_waits(p_channels text[], p_executions text[], p_ended text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  channels text[];
  lock bigint;
BEGIN
  SELECT coalesce(array_agg(c.channel), '{}') INTO channels FROM (
    SELECT unnest(p_channels) AS channel
    UNION SELECT w.channel FROM waits w WHERE w.execution_id = ANY (p_executions)
    UNION SELECT s.channel FROM waits w JOIN signals s ON s.id = w.signal WHERE w.execution_id = ANY (p_executions)
  ) c WHERE c.channel IS NOT NULL;
  FOR lock IN SELECT DISTINCT channel_lock(c) FROM unnest(channels) c ORDER BY 1 LOOP
    PERFORM pg_advisory_xact_lock(lock);
  END LOOP;
  PERFORM 1 FROM waits WHERE id IN (
    SELECT w.id FROM waits w WHERE w.channel = ANY (channels) AND w.signal IS NULL
    UNION SELECT w.id FROM waits w WHERE w.execution_id = ANY (p_executions)
    UNION SELECT a.wait FROM awaited a WHERE a.child = ANY (p_ended)
  ) ORDER BY id FOR UPDATE;
END $$;

-- Locks what these steps will touch of waits. Most touch nothing.
CREATE FUNCTION lock_ends(p_ids text[], p_statuses text[], p_works bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  over text[] := '{}';
  ended text[] := '{}';
BEGIN
  FOR n IN 1 .. cardinality(p_ids) LOOP
    IF p_works[n] IS NOT NULL AND EXISTS (SELECT 1 FROM waits w WHERE w.execution_id = p_ids[n]) THEN
      over := over || p_ids[n];
    END IF;
    IF p_statuses[n] IN ('completed', 'failed', 'cancelled') THEN
      ended := ended || p_ids[n];
    END IF;
  END LOOP;
  IF cardinality(ended) > 0 THEN
    PERFORM lock_children(true);
    IF NOT EXISTS (SELECT 1 FROM awaited a WHERE a.child = ANY (ended)) THEN ended := '{}'; END IF;
  END IF;
  IF cardinality(over) + cardinality(ended) > 0 THEN PERFORM lock_waits('{}', over, ended); END IF;
END $$;

-- Gives a signal to everybody who waits on its channel; returns to how many.
CREATE FUNCTION hand_out(p_signal bigint, p_channel text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  given integer;
BEGIN
  UPDATE waits SET signal = p_signal, ready = true WHERE channel = p_channel AND signal IS NULL;
  GET DIAGNOSTICS given = ROW_COUNT;
  RETURN given;
END $$;

-- For each member its id, in order. Used-up signals of earlier senders go on the way.
CREATE FUNCTION send_signals(
  p_channels text[], p_checksums bigint[], p_nonces uuid[], p_sent_at text[], p_data text[]
) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
DECLARE
  sent bigint;
  receivers integer;
  told boolean := false;
BEGIN
  PERFORM lock_waits(p_channels, '{}', '{}');
  FOR n IN 1 .. cardinality(p_channels) LOOP
    SELECT s.id INTO sent FROM signals s WHERE s.nonce = p_nonces[n];
    IF sent IS NULL THEN
      sent := nextval(pg_get_serial_sequence('signals', 'id'));
      receivers := hand_out(sent, p_channels[n]);
      told := told OR receivers > 0;
      INSERT INTO signals (id, channel, checksum, nonce, given, sent_at, data) OVERRIDING SYSTEM VALUE
      VALUES (sent, p_channels[n], p_checksums[n], p_nonces[n], receivers, p_sent_at[n], p_data[n]);
    END IF;
    RETURN NEXT sent;
  END LOOP;
  IF told THEN PERFORM tell('ready', ''); END IF;
  DELETE FROM signals WHERE id IN (
    SELECT s.id FROM signals s WHERE s.used_at < clock_timestamp() - interval '10 minutes'
    ORDER BY s.used_at LIMIT 100 FOR UPDATE SKIP LOCKED
  );
END $$;

CREATE FUNCTION has_ended(p_wait bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT 1 FROM awaited a JOIN executions e ON e.execution_id = a.child
    WHERE a.wait = p_wait AND e.status IN ('completed', 'failed', 'cancelled'))
$$;

-- Registers waits, or makes known ones what is asked for now. Members come sorted by fence. p_children: for each member a JSON list, null = it waits for a signal.
CREATE FUNCTION register_waits(
  p_ids text[], p_works bigint[], p_channels text[], p_children text[], p_deadlines double precision[],
  p_fence_keys text[], p_fence_tokens bigint[]
) RETURNS TABLE (stale boolean, id bigint, channel text, checksum bigint, sent_at text, data text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  registered waits%ROWTYPE;
  children text[];
  told boolean := false;
BEGIN
  IF EXISTS (SELECT 1 FROM unnest(p_children) c WHERE c IS NOT NULL) THEN PERFORM lock_children(false); END IF;
  PERFORM lock_waits(p_channels, p_ids, '{}');
  FOR n IN 1 .. cardinality(p_ids) LOOP
    stale := p_fence_keys[n] IS NOT NULL AND is_stale(p_fence_keys[n], p_fence_tokens[n]);
    id := NULL; channel := NULL; checksum := NULL; sent_at := NULL; data := NULL;
    IF stale THEN RETURN NEXT; CONTINUE; END IF;
    INSERT INTO waits AS w (execution_id, work, channel, deadline)
    VALUES (p_ids[n], p_works[n], p_channels[n], p_deadlines[n])
    ON CONFLICT (execution_id, work) DO UPDATE SET channel = excluded.channel, deadline = excluded.deadline
    RETURNING * INTO registered;
    children := ARRAY(SELECT json_array_elements_text(coalesce(p_children[n], '[]')::json));
    -- What changes alone: a parent of ten thousand asks again after each of them.
    DELETE FROM awaited a WHERE a.wait = registered.id AND a.child IN (
      SELECT o.child FROM awaited o WHERE o.wait = registered.id EXCEPT SELECT unnest(children));
    INSERT INTO awaited (child, wait) SELECT c.child, registered.id FROM (
      SELECT unnest(children) AS child EXCEPT SELECT o.child FROM awaited o WHERE o.wait = registered.id) c;
    IF p_channels[n] IS NULL THEN
      registered.ready := has_ended(registered.id);
    ELSE
      IF registered.signal IS NULL THEN
        SELECT s.id INTO registered.signal FROM signals s WHERE s.channel = p_channels[n] AND s.given = 0 ORDER BY s.id LIMIT 1;
        UPDATE signals s SET given = 1 WHERE s.id = registered.signal;
      END IF;
      registered.ready := registered.signal IS NOT NULL;
      SELECT s.id, s.channel, s.checksum, s.sent_at, s.data INTO id, channel, checksum, sent_at, data
      FROM signals s WHERE s.id = registered.signal;
    END IF;
    UPDATE waits w SET signal = registered.signal, ready = registered.ready
    WHERE w.id = registered.id AND (w.signal IS DISTINCT FROM registered.signal OR w.ready <> registered.ready);
    told := told OR registered.ready OR p_deadlines[n] IS NOT NULL;
    RETURN NEXT;
  END LOOP;
  IF told THEN PERFORM tell('ready', ''); END IF;
END $$;

-- Ends the waits of an execution's finished work, with what becomes of their signals. Returns whether somebody was given one.
CREATE FUNCTION end_waits(p_id text, p_work bigint, p_returned boolean) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  ended record;
  known signals%ROWTYPE;
  receivers integer;
  told boolean := false;
BEGIN
  FOR ended IN SELECT w.id, w.channel FROM waits w WHERE w.execution_id = p_id AND w.work <= p_work ORDER BY w.id LOOP
    -- Held already, as a rule: see lock_waits.
    IF ended.channel IS NOT NULL THEN PERFORM pg_advisory_xact_lock(channel_lock(ended.channel)); END IF;
    DELETE FROM awaited a WHERE a.wait = ended.id;
    DELETE FROM waits w WHERE w.id = ended.id RETURNING w.signal INTO known.id;
    IF known.id IS NULL THEN CONTINUE; END IF;
    SELECT * INTO known FROM signals s WHERE s.id = known.id FOR UPDATE;
    PERFORM pg_advisory_xact_lock(channel_lock(known.channel));
    IF p_returned AND known.given = 1 THEN
      receivers := hand_out(known.id, known.channel);
      told := told OR receivers > 0;
      UPDATE signals s SET given = receivers WHERE s.id = known.id;
    ELSIF NOT EXISTS (SELECT 1 FROM waits w WHERE w.signal = known.id) THEN
      UPDATE signals s SET given = -1, used_at = clock_timestamp(), data = '' WHERE s.id = known.id;
    END IF;
  END LOOP;
  RETURN told;
END $$;`,
};
