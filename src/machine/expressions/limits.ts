/** Longest text that a template may give, in UTF-16 units. */
export const MAX_TEXT = 16 * 1024 * 1024;

/** Most items of a list that a template or expression makes. */
export const MAX_ITEMS = 1_000_000;

/** Most loop rounds of one rendering, over all its loops. */
export const MAX_ITERATIONS = 1_000_000;

/** Most elements and characters that the filters of one rendering may go through. */
export const MAX_WORK = 1 << 28;

/** Longest CEL expression, in UTF-16 units. */
export const MAX_CEL_SOURCE = 65_536;

/** Deepest nesting of an expression or of blocks; keeps parsing and evaluation off the end of the stack. */
export const MAX_NESTING = 200;

/** Deepest nesting of a value that is compared or printed. */
export const MAX_VALUE_DEPTH = 1000;
