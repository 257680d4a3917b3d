/** What this browser remembers between visits: choices and prompts, never a key. */

const PREFIX = 'pisang.';

/**
 * @template T
 * @param {string} name
 * @param {T} otherwise where nothing is remembered, or nothing may be
 * @returns {T}
 */
export function recall(name, otherwise) {
  try {
    const kept = localStorage.getItem(PREFIX + name);
    return kept === null ? otherwise : JSON.parse(kept);
  } catch {
    return otherwise;
  }
}

/** @param {string} name @param {unknown} value */
export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing still works.
  }
}
