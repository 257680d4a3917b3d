/** Short words at the edge of the page: what happened, and for a while how to take it back. */
import { Store } from './store.js';

const SHOWN_MS = 7000;

/** @typedef {{id: number, text: string, kind: 'good' | 'bad', action?: {label: string, run: () => void}}} Toast */

/** @type {Store<{list: Toast[]}>} */
export const toasts = new Store({ list: [] });

let last = 0;

/**
 * @param {string} text
 * @param {{kind?: 'good' | 'bad', action?: {label: string, run: () => void}, shown_ms?: number}} [more]
 */
export function say(text, { kind = 'good', action, shown_ms = SHOWN_MS } = {}) {
  const id = ++last;
  toasts.set({ list: [...toasts.value.list.slice(-2), { id, text, kind, action }] });
  setTimeout(() => dismiss(id), shown_ms);
}

/** What went wrong, in the server's own sentence. @param {unknown} error */
export function complain(error) {
  say(error instanceof Error ? error.message : String(error), { kind: 'bad' });
}

/** @param {number} id */
export function dismiss(id) {
  toasts.set({ list: toasts.value.list.filter((one) => one.id !== id) });
}
