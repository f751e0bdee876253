/**
 * Settings of functions of which it is known beforehand which index serves each statement. The planner's own choice would rest on statistics that are minutes
 * old, when a pool may have grown from nothing to a million items since.
 */
export const BY_INDEX =
  'SET enable_bitmapscan = off SET enable_sort = off SET enable_hashjoin = off SET enable_mergejoin = off';
