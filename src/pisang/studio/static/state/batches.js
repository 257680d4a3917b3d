/** Lists of wishes: what one would cost, how those stand that were begun, and row by row what came. */
import { API, call, get, post } from '../api.js';
import { countText, secondsText } from '../format.js';
import { t } from '../i18n/index.js';
import { Store } from './store.js';

/**
 * @typedef {object} Batch
 * @property {string} id
 * @property {string} name
 * @property {string} state
 * @property {boolean} over
 * @property {string} created_at
 * @property {{total: number, waiting: number, taken: number, states: Record<string, number>}} rows
 * @property {{spent: string[], at_stake: string[], play_money: string[], unpriced: number}} cost
 * @property {number} images_per_minute
 * @property {number | null} eta_s
 */

const PAGE = 20;
const ROWS = 50;

/** @type {Store<{list: Batch[], next: string | null, loaded: boolean}>} */
export const batches = new Store({ list: [], next: null, loaded: false });

/** @type {Store<{batch: Batch | null, rows: any[], next: number | null, only: string}>} */
export const shown = new Store({ batch: null, rows: [], next: null, only: '' });

const CSV = { 'content-type': 'text/csv; charset=utf-8' };

/** What it would be, at its worst. Raises `ApiError`, which names each wrong row. @param {string} table @param {Record<string, string>} options */
export const planOf = (table, options) => call('POST', '/batches', { text: table, query: { ...options, dry_run: true }, headers: CSV });

/** Begins it. Sent twice by a bad connection it is one batch. @param {string} table @param {Record<string, string>} options @param {string} key @returns {Promise<Batch>} */
export async function begin(table, options, key) {
  const batch = await call('POST', '/batches', { text: table, query: options, headers: { ...CSV, 'idempotency-key': key } });
  await readBatches();
  return batch;
}

/** @param {string | null} [before] */
export async function readBatches(before = null) {
  const page = await get('/batches', { limit: PAGE, before });
  batches.set({ list: before ? [...batches.value.list, ...page.batches] : page.batches, next: page.next, loaded: true });
}

/** @type {EventSource | null} */
let source = null;

/** Shows one, and follows it to its end. @param {string} id */
export async function follow(id) {
  leave();
  shown.set({ batch: null, rows: [], next: null, only: '' });
  take(await get(`/batches/${id}`));
  await readRows();
  if (shown.value.batch?.over) return;
  source = new EventSource(`${API}/batches/${id}/events`);
  for (const kind of ['progress', 'over']) source.addEventListener(kind, (/** @type {any} */ event) => heard(JSON.parse(event.data)));
}

/** @param {Batch} batch */
function heard(batch) {
  take(batch);
  void readRows();
  if (batch.over) leave();
}

export function leave() {
  source?.close();
  source = null;
}

/** @param {Batch} batch */
function take(batch) {
  shown.set({ batch });
  batches.set({ list: batches.value.list.map((one) => (one.id === batch.id ? batch : one)) });
}

/** Its first rows anew, as many as were shown. @param {string} [only] a state */
export async function readRows(only = shown.value.only) {
  const { batch, rows } = shown.value;
  if (!batch) return;
  const limit = Math.min(200, Math.max(ROWS, rows.length));
  const page = await get(`/batches/${batch.id}/rows`, { state: only, limit });
  if (shown.value.batch?.id === batch.id) shown.set({ rows: page.rows, next: page.next, only });
}

export async function readMoreRows() {
  const { batch, rows, next, only } = shown.value;
  if (!batch || next === null) return;
  const page = await get(`/batches/${batch.id}/rows`, { state: only, limit: ROWS, after: next });
  shown.set({ rows: [...rows, ...page.rows], next: page.next });
}

/** @param {string} id @param {'cancel' | 'resume' | 'retry'} act @param {Record<string, any>} [query] */
export async function steer(id, act, query) {
  await post(`/batches/${id}/${act}`, undefined, { query });
  await follow(id);
}

/** How many rows are over. @param {Batch} batch */
export const endedOf = ({ rows }) => rows.total - rows.waiting - rows.taken;

/** How it goes, in words. @param {Batch} batch */
export function standingOf(batch) {
  const { rows, eta_s, state, over } = batch;
  const told = [t('batch.of', { count: countText(endedOf(batch)), total: countText(rows.total) })];
  for (const one of ['failed', 'refused', 'unknown']) if (rows.states[one]) told.push(`${t(`step.${one}`)} ${countText(rows.states[one])}`);
  if (state === 'cancelled') told.push(t('batch.cancelled'));
  else if (!over && eta_s !== null) told.push(t('batch.left', { time: secondsText(eta_s) }));
  return told.join(' · ');
}
