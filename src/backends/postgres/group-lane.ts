import { verdictOn } from './postgres-errors.ts';

/** Writes of all executions of this process, gathered into shared transactions. */
export interface GroupLane<Member, Outcome> {
  /**
   * Writes `member` with the next transaction, together with what else was asked for in this turn of the event loop, or while none could set off; in order. Resolves once it is committed.
   * @param size about how many characters it has
   */
  run(member: Member, size: number): Promise<Outcome>;
}

/** What a lane's transactions may hold, and how they are made. */
export interface LaneOptions<Member, Outcome> {
  /** The most members of one transaction. */
  most: number;
  /** How many transactions may be on their way at once, default 1. With more, members of different groups may be written in another order than they came. */
  flights?: number;
  /**
   * Writes members in one transaction, all or nothing but for those it refuses in their outcomes. When it throws for a group although the server is
   * there, each member is tried alone: one that the store cannot take harms no other.
   * @param again whether they may have been written before, by a try whose answer was lost
   */
  commit(members: readonly Member[], again: boolean): Promise<readonly Outcome[]>;
}

/** The most characters of one transaction; a larger member goes alone. */
const MAX_SIZE = 8 * 1024 * 1024;

interface Waiting<Member, Outcome> {
  member: Member;
  size: number;
  resolve: (outcome: Outcome) => void;
  reject: (error: unknown) => void;
}

/** Makes a lane. */
export function createGroupLane<Member, Outcome>({
  most,
  flights = 1,
  commit,
}: LaneOptions<Member, Outcome>): GroupLane<Member, Outcome> {
  const queue: Waiting<Member, Outcome>[] = [];
  let flying = 0;
  let scheduled = false;

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

  async function write(group: readonly Waiting<Member, Outcome>[], again: boolean): Promise<void> {
    try {
      const outcomes = await commit(
        group.map(({ member }) => member),
        again,
      );
      for (const [i, { resolve }] of group.entries()) resolve(outcomes[i] as Outcome);
    } catch (error) {
      const away = error instanceof Error && verdictOn(error.cause) === 'lost';
      if (group.length === 1 || away) for (const { reject } of group) reject(error);
      else for (const one of group) await write([one], true);
    }
  }

  async function flush(): Promise<void> {
    scheduled = false;
    const group = nextGroup();
    flying++;
    wake();
    await write(group, false);
    flying--;
    wake();
  }

  function wake(): void {
    if (scheduled || flying === flights || queue.length === 0) return;
    scheduled = true;
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
