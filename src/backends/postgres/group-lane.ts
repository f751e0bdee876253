import { verdictOn } from './postgres-errors.ts';

/** Writes of all executions of this process, gathered into shared transactions. */
export interface GroupLane<Member, Outcome> {
  /**
   * Writes `member` with the next transaction, together with what else was asked for in this turn of the event loop, or while the transaction before was on its
   * way; in order. Resolves once it is committed.
   * @param size about how many characters it has
   */
  run(member: Member, size: number): Promise<Outcome>;
}

/** What a lane's transactions may hold, and how they are made. */
export interface LaneOptions<Member, Outcome> {
  /** The most members of one transaction. */
  most: number;
  /**
   * Writes members in one transaction, all or nothing but for those it refuses in their outcomes. When it throws for a group although the server is
   * there, each member is tried alone: one that the store cannot take harms no other.
   */
  commit(members: readonly Member[]): Promise<readonly Outcome[]>;
}

/** The most characters of one transaction; a larger member goes alone. */
const MAX_SIZE = 8 * 1024 * 1024;

interface Waiting<Member, Outcome> {
  member: Member;
  size: number;
  resolve: (outcome: Outcome) => void;
  reject: (error: unknown) => void;
}

/** Makes a lane: one transaction is on its way at a time. */
export function createGroupLane<Member, Outcome>({
  most,
  commit,
}: LaneOptions<Member, Outcome>): GroupLane<Member, Outcome> {
  const queue: Waiting<Member, Outcome>[] = [];
  let busy = false;

  function nextGroup(): Waiting<Member, Outcome>[] {
    let size = 0;
    let count = 0;
    for (const one of queue) {
      size += one.size;
      if (count === most || (count > 0 && size > MAX_SIZE)) break;
      count++;
    }
    return queue.splice(0, count);
  }

  async function write(group: readonly Waiting<Member, Outcome>[]): Promise<void> {
    try {
      const outcomes = await commit(group.map(({ member }) => member));
      for (const [i, { resolve }] of group.entries()) resolve(outcomes[i] as Outcome);
    } catch (error) {
      const away = error instanceof Error && verdictOn(error.cause) === 'lost';
      if (group.length === 1 || away) for (const { reject } of group) reject(error);
      else for (const one of group) await write([one]);
    }
  }

  async function flush(): Promise<void> {
    await write(nextGroup());
    busy = false;
    wake();
  }

  function wake(): void {
    if (busy || queue.length === 0) return;
    busy = true;
    setImmediate(() => void flush());
  }

  return {
    run: (member, size) =>
      new Promise((resolve, reject) => {
        queue.push({ member, size, resolve, reject });
        wake();
      }),
  };
}
