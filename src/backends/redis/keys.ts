import { FlatMachineError } from '../../errors.ts';

/*
 * The layout of a store. Every key begins with the tag `{prefix}`, whose braces keep them on one node of a cluster; scripts are given the tag as
 * `KEYS[1]` and make the others from it. Ids come last in a key, since they may hold anything. Times are milliseconds.
 *
 * tokens              string   counter of fencing tokens; never deleted
 * lease:KEY           hash     token, holder (JSON), expires (the server's clock), acquired_at, nonce
 *
 * ids                 zset     ids of executions, all of score 0: sorted as text
 * exec:ID             hash     what `ls` shows of it; `step` is the newest, `oldest` a lower bound of the oldest, `origin` the key of the one
 *                              stored last; `cancel` = 1 once that was asked for
 * steps:ID            hash     step → record, see step-text.ts
 * origins:ID          hash     what seldom changes from step to step, by its own digest
 * status:STATUS       zset     ids by -(last change): newest first; of those that run, by -(when they began to)
 * of:STATUS:PARENT    zset     the same for the children of one execution; of those without a parent PARENT is empty
 *
 * journal:WORK:ID     hash     journal key → entry, with its place in the order
 * works:ID            zset     score = member = work that has a journal
 *
 * signals             string   counter of signals
 * signal:N            hash     channel, text, sent_at, given (to how many waits, ever), held (by how many, now)
 * sent:NONCE          string   N of a send, for a while: asked again, it sends nothing
 * queue:CHANNEL       zset     score = member = N of what nobody has been given
 * queued              zset     the same, of all channels
 * waits               string   counter of waits
 * wait:W              hash     execution_id, work, channel, deadline, signal (N): absent = null
 * waiting             zset     score = member = W, all of them
 * waits-of:ID         hash     work → W
 * waits-on:CHANNEL    zset     W of all that wait on it, given a signal or not
 * open:CHANNEL        zset     W of those that have been given none
 * ready               zset     W of those that were given a signal or a child of which has ended
 * deadlines           zset     W by deadline
 * awaits:W            set      ids of the children a wait names
 * ended:W             set      those of them that have ended
 * awaited-by:ID       set      W of the waits that name it
 *
 * results:ID          hash     path → JSON
 *
 * environments        set      ids; environment:ID, slots, slot:ID, slots-…, free…: see lua/slots.ts
 * workers             set      ids; worker:ID: see registration.ts
 * work:…                       see lua/pool.ts
 *
 * Channels of notifications (pub/sub; a hint, the store is the truth): `ready`: executions may have become ready; `result:ID/PATH`: it was written;
 * `work:POOL`: items may have become claimable, or have ended.
 */

/** Checks a prefix and gives the tag that all keys of its store begin with. @throws FlatMachineError `usage` */
export function keyTag(prefix: string): string {
  if (/^[^{}\s\p{Cc}\p{Cs}]{1,100}$/u.test(prefix)) return `{${prefix}}`;
  throw new FlatMachineError('usage', `${JSON.stringify(prefix)} cannot be the prefix of a redis store`, {
    remedy: 'Use 1 to 100 characters, no braces, no white space.',
  });
}
