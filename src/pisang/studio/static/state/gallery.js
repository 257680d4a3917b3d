/** The images, newest first, as far as they were scrolled to; what is looked for; what is picked. */
import { call, get, post } from '../api.js';
import { Store } from './store.js';

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
 * @property {boolean} [favourite]
 */

export const NO_FILTER = { query: '', model: '', upstream: '', ratio: '', size: '', since: '', until: '', favourite: '', trash: '', outcome: '' };

const PAGE = 200;
const HEAD = 50;

/**
 * @type {Store<{images: Image[], filter: typeof NO_FILTER, next: string | null, total: number | null,
 *   more: boolean, loading: boolean, loaded: boolean, waiting: Image[]}>}
 */
export const gallery = new Store({
  images: [], filter: NO_FILTER, next: null, total: null, more: false, loading: false, loaded: false, waiting: [],
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

/** The filter as the server takes it; what ended without an image is no part of it (`outcome-list`). */
const asked = () => ({ ...gallery.value.filter, outcome: '' });

/** How many there are; `more`: the server stopped counting there. @param {{total: number | null, total_capped?: boolean}} told */
const counted = ({ total, total_capped: more = false }) => (total === null ? {} : { total, more });

/** @param {string | null} before */
async function read(before) {
  const { signal } = asking;
  try {
    const told = await get('/gallery', { ...asked(), before, limit: PAGE }, signal);
    const images = before ? [...gallery.value.images, ...told.images] : told.images;
    gallery.set({ images, next: told.next, ...counted(told), loading: false, loaded: true });
  } catch (error) {
    if (signal.aborted) return;
    gallery.set({ loading: false, loaded: true });
    throw error;
  }
}

/** New images are shown at once where the newest are in view, else they wait for a word. @param {boolean} atTop */
export async function readNewest(atTop) {
  const { images, waiting, loaded } = gallery.value;
  if (!loaded) return;
  const told = await get('/gallery', { ...asked(), limit: HEAD });
  const known = new Set([...images, ...waiting].map(keyOf));
  const fresh = told.images.filter((/** @type {Image} */ one) => !known.has(keyOf(one)));
  gallery.set({ waiting: [...fresh, ...waiting], ...counted(told) });
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

/** How long the word that offers to take it back is shown. In the trash it lies for a month. */
export const UNDO_MS = 12_000;

const AT_ONCE = 500;

/** @param {Image[]} images @param {{favourite?: boolean, trashed?: boolean}} marks */
async function mark(images, marks) {
  for (let at = 0; at < images.length; at += AT_ONCE) {
    await call('PUT', '/gallery/marks', { body: { images: images.slice(at, at + AT_ONCE).map(pairOf), ...marks } });
  }
}

/** @param {Image} image */
const pairOf = ({ request_id, sha256 }) => ({ request_id, sha256 });

/** Makes them favourites, or plain ones again. @param {Image[]} images @param {boolean} favourite */
export async function favour(images, favourite) {
  const keys = new Set(images.map(keyOf));
  const turn = (/** @type {boolean} */ on) =>
    gallery.set({ images: gallery.value.images.map((one) => (keys.has(keyOf(one)) ? { ...one, favourite: on } : one)) });
  turn(favourite);
  try {
    await mark(images, { favourite });
  } catch (error) {
    turn(!favourite);
    throw error;
  }
}

/** Puts them into the trash. @param {Image[]} images @returns {Promise<() => Promise<void>>} how to take it back */
export async function remove(images) {
  takeOut(images);
  try {
    await mark(images, { trashed: true });
  } catch (error) {
    await lookFor();
    throw error;
  }
  return () => restore(images);
}

/** Takes them out of the trash again. @param {Image[]} images */
export async function restore(images) {
  await mark(images, { trashed: false });
  unpick();
  await lookFor();
}

/** Deletes their requests for ever: prompts, answers and every image of them. @param {Image[]} images */
export async function erase(images) {
  const requests = new Set(images.map((one) => one.request_id));
  try {
    for (const id of requests) await call('DELETE', `/requests/${id}`);
  } finally {
    unpick();
    await lookFor();
  }
}

/** @param {Image[]} images */
function takeOut(images) {
  const keys = new Set(images.map(keyOf));
  const left = gallery.value.images.filter((one) => !keys.has(keyOf(one)));
  const { total } = gallery.value;
  gallery.set({ images: left, total: total === null ? null : total - images.length });
  unpick();
}

/** Where a ZIP of them can be fetched, for a while. @param {Image[]} images @returns {Promise<string>} */
export const packed = async (images) => (await post('/gallery/archive', { images: images.slice(0, AT_ONCE).map(pairOf) })).url;
