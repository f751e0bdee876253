/** FNV-1a, 32 bits, over UTF-16 units: any single damaged unit changes it, and it costs about a nanosecond per unit. */
export function checksum(text: string, seed = 0x811c9dc5): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
