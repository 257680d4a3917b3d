/**
 * The server's live news. One connection; it comes back by itself, and whoever listens is told to
 * look again (`resumed`) since what happened meanwhile may be gone.
 */
import { API } from './api.js';
import { Store } from './state/store.js';

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;

/** @type {Store<{state: 'off' | 'connecting' | 'live' | 'lost'}>} */
export const connection = new Store({ state: 'off' });

/** Tells `news` (a CustomEvent with the step) and `resumed`. */
export const news = new EventTarget();

/** @type {EventSource | null} */
let source = null;
let wait_ms = FIRST_WAIT_MS;
let timer = 0;

export function listen() {
  if (source || timer) return;
  connection.set({ state: 'connecting' });
  open();
}

export function stopListening() {
  clearTimeout(timer);
  timer = 0;
  source?.close();
  source = null;
  connection.set({ state: 'off' });
}

function open() {
  timer = 0;
  source = new EventSource(`${API}/events`);
  source.onopen = () => {
    wait_ms = FIRST_WAIT_MS;
    connection.set({ state: 'live' });
    news.dispatchEvent(new Event('resumed'));
  };
  source.onmessage = (event) => news.dispatchEvent(new CustomEvent('news', { detail: JSON.parse(event.data) }));
  source.onerror = reopen;
}

/** A browser gives up on an answer that is no stream, so we come back ourselves. */
function reopen() {
  source?.close();
  source = null;
  connection.set({ state: 'lost' });
  timer = setTimeout(open, wait_ms * (0.75 + Math.random() / 2));
  wait_ms = Math.min(wait_ms * 2, LONGEST_WAIT_MS);
}
