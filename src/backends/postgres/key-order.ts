/** Members in the order of their keys, and the way back. */
export interface KeyOrder<Member> {
  readonly sorted: readonly Member[];
  /** What belongs to each of `sorted`, in the order in which they were asked for. */
  asAsked<T>(outcomes: readonly T[]): T[];
}

/**
 * Sorts members by key, those without one first; equal ones stay as they are. Whoever locks several leases does so in this order, and so nobody waits for each
 * other.
 */
export function inKeyOrder<Member>(
  members: readonly Member[],
  keyOf: (member: Member) => string | null | undefined,
): KeyOrder<Member> {
  const places = members.map((member, place) => ({ place, key: keyOf(member) ?? '' }));
  places.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return {
    sorted: places.map(({ place }) => members[place] as Member),
    asAsked<T>(outcomes: readonly T[]) {
      const asked: T[] = [];
      for (const [i, { place }] of places.entries()) asked[place] = outcomes[i] as T;
      return asked;
    },
  };
}
