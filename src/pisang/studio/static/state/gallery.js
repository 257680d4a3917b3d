/** The images, newest first, as far as they were scrolled to; what is looked for; what is picked. */
import { API, call, get } from '../api.js';
import { Store } from './store.js';
import { complain } from './toasts.js';

/**
 * @typedef {object} Image one row of the gallery
 * @property {string} sha256
 * @property {string} request_id
 * @property {string} url
 * @property {number} width
 * @property {number} height
 * @property {string} mime
 * @property {string} prompt
 * @property {string} model
 * @property {string} upstream
 * @property {string | null} image_size
 * @property {string} created_at
 */

export const NO_FILTER = { query: '', model: '', upstream: '', ratio: '', size: '', since: '', until: '' };

const PAGE = 200;
const HEAD = 50;

/**
 * @type {Store<{images: Image[], filter: typeof NO_FILTER, next: string | null, total: number | null,
 *   loading: boolean, loaded: boolean, waiting: Image[]}>}
 */
export const gallery = new Store({
  images: [], filter: NO_FILTER, next: null, total: null, loading: false, loaded: false, waiting: [],
});

/** What is picked, by key. @type {Store<{keys: Set<string>, on: boolean}>} */
export const picked = new Store({ keys: new Set(), on: false });

/** @param {Image} image */
export const keyOf = (image) => `${image.request_id}/${image.sha256}`;

let asking = new AbortController();

/** Starts again from the newest, with what is looked for now. @param {Partial<typeof NO_FILTER>} [change] */
export async function lookFor(change = {}) {
  asking.abort();
  asking = new AbortController();
  gallery.set({ filter: { ...gallery.value.filter, ...change }, loading: true, waiting: [] });
  await read(null);
}

/** The page after what is there. */
export async function readOn() {
  const { next, loading } = gallery.value;
  if (!next || loading) return;
  gallery.set({ loading: true });
  await read(next);
}

/** @param {string | null} before */
async function read(before) {
  const { signal } = asking;
  try {
    const told = await get('/gallery', { ...gallery.value.filter, before, limit: PAGE }, signal);
    const fresh = told.images.filter((/** @type {Image} */ one) => !leaving.has(one.request_id));
    const images = before ? [...gallery.value.images, ...fresh] : fresh;
    gallery.set({ images, next: told.next, total: told.total ?? gallery.value.total, loading: false, loaded: true });
  } catch (error) {
    if (signal.aborted) return;
    gallery.set({ loading: false, loaded: true });
    throw error;
  }
}

/** New images are shown at once where the newest are in view, else they wait for a word. @param {boolean} atTop */
export async function readNewest(atTop) {
  const { filter, images, waiting, loaded } = gallery.value;
  if (!loaded) return;
  const told = await get('/gallery', { ...filter, limit: HEAD });
  const known = new Set([...images, ...waiting].map(keyOf));
  const fresh = told.images.filter((/** @type {Image} */ one) => !known.has(keyOf(one)));
  gallery.set({ waiting: [...fresh, ...waiting], total: told.total ?? gallery.value.total });
  if (atTop) showWaiting();
}

export function showWaiting() {
  const { images, waiting } = gallery.value;
  if (waiting.length) gallery.set({ images: [...waiting, ...images], waiting: [] });
}

/** @param {Image} image */
export function pick(image, on = !picked.value.keys.has(keyOf(image))) {
  const keys = new Set(picked.value.keys);
  if (on) keys.add(keyOf(image));
  else keys.delete(keyOf(image));
  picked.set({ keys, on: keys.size > 0 || picked.value.on });
}

/** From one to another, all between. @param {Image} from @param {Image} to */
export function pickRange(from, to) {
  const { images } = gallery.value;
  const [first, last] = [images.indexOf(from), images.indexOf(to)].sort((one, other) => one - other);
  const keys = new Set(picked.value.keys);
  for (const one of images.slice(Math.max(first, 0), last + 1)) keys.add(keyOf(one));
  picked.set({ keys, on: true });
}

export const unpick = () => picked.set({ keys: new Set(), on: false });

/** @returns {Image[]} */
export const pickedImages = () => gallery.value.images.filter((one) => picked.value.keys.has(keyOf(one)));

/** How long what was deleted can be had back. */
export const UNDO_MS = 12_000;

/** Requests that are deleted once their time is over. @type {Map<string, number>} */
const leaving = new Map();

/**
 * Takes requests out of the gallery with all their images. The server deletes them when nobody can
 * take it back any more: in a while, or as this page is left.
 * @param {Image[]} images
 * @returns {() => void} how to take it back
 */
export function remove(images) {
  const requests = [...new Set(images.map((one) => one.request_id))];
  const before = gallery.value;
  const left = before.images.filter((one) => !requests.includes(one.request_id));
  gallery.set({ images: left, total: lessened(before.images.length - left.length) });
  unpick();
  for (const id of requests) leaving.set(id, setTimeout(erase, UNDO_MS, id));
  return () => {
    for (const id of requests) {
      clearTimeout(leaving.get(id));
      leaving.delete(id);
    }
    void lookFor();
  };
}

/** @param {number} gone */
const lessened = (gone) => (gallery.value.total === null ? null : gallery.value.total - gone);

/** @param {string} id */
async function erase(id) {
  leaving.delete(id);
  try {
    await call('DELETE', `/requests/${id}`);
  } catch (error) {
    complain(error);
    void lookFor();
  }
}

/** Whoever leaves the page meant it: what is to go goes now. */
window.addEventListener('pagehide', () => {
  for (const id of leaving.keys()) {
    void fetch(`${API}/requests/${id}`, { method: 'DELETE', keepalive: true, headers: { 'x-pisang-studio': '1' } });
  }
  leaving.clear();
});
