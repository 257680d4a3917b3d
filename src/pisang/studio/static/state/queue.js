/**
 * What is under way, and what needs a decision. Every request of ours is here from the moment it
 * is sent off, or heard of in the news, whoever asked for it.
 */
import { ApiError, get, post } from '../api.js';
import { news } from '../events.js';
import { Store } from './store.js';

/**
 * @typedef {object} Step how far one image of a request is
 * @property {string} kind `queued`, `claimed`, `sent`, `received`, `kept`, or how it ended
 * @property {number | null} place
 * @property {string} message
 * @property {number} bytes
 * @property {number | null} sentAt ms
 * @property {number | null} usual_s
 * @property {number | null} limit_s
 * @property {string | null} at_stake
 */

/**
 * @typedef {object} Entry
 * @property {string} id empty until the server named it
 * @property {string} key
 * @property {string} prompt
 * @property {string} model
 * @property {string} upstream
 * @property {number} n
 * @property {number} startedAt ms
 * @property {boolean} underWay
 * @property {string} state
 * @property {Map<string, Step>} steps by attempt
 * @property {any} result
 * @property {any} error
 * @property {any[]} attempts those of the ledger, once it is over
 * @property {object | null} asked what was sent, to try it again
 */

/** @type {Store<{entries: Entry[]}>} */
export const queue = new Store({ entries: [] });

/** Tells `finished` (a CustomEvent with the entry) as each request ends with images. */
export const finished = new EventTarget();

const ENDS = new Set(['done', 'refused', 'failed', 'unknown']);
const MOST_ENTRIES = 60;
const AT_ONCE = 50;

/** @param {string} key @param {Partial<Entry>} change */
function change(key, change) {
  queue.set({ entries: queue.value.entries.map((one) => (one.key === key ? { ...one, ...change } : one)) });
}

/** The steps that were heard of, by request: the news may be here before the answer that names it. @type {Map<string, Map<string, Step>>} */
const heard = new Map();
const MOST_HEARD = 500;

/** @param {string} id */
const find = (id) => queue.value.entries.find((one) => one.id === id);

const NEW = {
  id: '', prompt: '', model: '', upstream: '', n: 1, startedAt: 0, underWay: true, state: 'planned', steps: new Map(),
  result: null, error: null, attempts: [], asked: null,
};

/** @param {Partial<Entry>} facts @returns {Entry} */
function add(facts) {
  const entry = { ...NEW, key: facts.id || crypto.randomUUID(), startedAt: Date.now(), steps: new Map(), ...facts };
  queue.set({ entries: [entry, ...queue.value.entries].slice(0, MOST_ENTRIES) });
  return entry;
}

/**
 * Sends a wish off. Sent twice by a bad connection it is bought once.
 * @param {object} asked as `/generations` takes it
 */
export async function submit(asked) {
  const key = crypto.randomUUID();
  const { prompt, model = '', via = '', n = 1 } = /** @type {any} */ (asked);
  add({ key, prompt, model, upstream: via, n, asked });
  try {
    const headers = { prefer: 'respond-async', 'idempotency-key': key };
    const told = await post('/generations', asked, { headers });
    const early = find(told.id);
    if (early && early.key !== key) dismissEntry(early.key);
    change(key, { id: told.id, steps: heard.get(told.id) ?? new Map() });
    await look(told.id);
  } catch (error) {
    change(key, { underWay: false, state: 'failed', error: problemOf(error) });
  }
}

/** @param {unknown} error */
const problemOf = (error) => ({ message: String(/** @type {any} */ (error)?.message ?? error), ...(error instanceof ApiError ? error.problem : {}) });

/** What the server knows of a request. @param {string} id */
async function factsOf(id) {
  const [told, story] = await Promise.all([get(`/generations/${id}`), get(`/requests/${id}`)]);
  return {
    id, prompt: story.prompt, model: story.model, upstream: story.upstream, n: story.n ?? 1,
    startedAt: Date.parse(story.created_at), underWay: told.under_way, state: told.state, result: told.result ?? story,
    error: told.error, attempts: story.attempts, images: story.images.length,
  };
}

/** An entry as the queue has them, of a request that is over. @param {string} id @returns {Promise<Entry>} */
export const readEntry = async (id) => ({ ...NEW, ...(await factsOf(id)), key: id });

/** Asks how a request stands, and takes it in if it is new here. @param {string} id */
export async function look(id) {
  try {
    const facts = await factsOf(id);
    const known = find(id);
    if (known) change(known.key, { ...facts, n: Math.max(known.n, facts.n) });
    else add({ ...facts, key: id, steps: heard.get(id) ?? new Map() });
    if (facts.underWay) keepLooking(id);
    if (!facts.underWay && facts.images) finished.dispatchEvent(new CustomEvent('finished', { detail: find(id) }));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) forget(id);
  }
}

/** @param {string} id */
function forget(id) {
  const known = find(id);
  if (known) dismissEntry(known.key);
}

/** What was left open before we came, or while the line was cut. */
export async function catchUp() {
  const pages = await Promise.all(
    ['sent', 'planned', 'unknown'].map((state) => get('/requests', { state, limit: AT_ONCE })),
  );
  const open = pages.flatMap((page) => page.requests.map((/** @type {any} */ row) => row.id));
  const ours = queue.value.entries.filter((one) => one.id && one.underWay).map((one) => one.id);
  for (const id of [...new Set([...ours, ...open.reverse()])]) await look(id);
}

/** @param {string} key */
export function dismissEntry(key) {
  queue.set({ entries: queue.value.entries.filter((one) => one.key !== key) });
}

/** Takes away what is over and needs nobody's decision. */
export function dismissFinished() {
  queue.set({ entries: queue.value.entries.filter((one) => one.underWay || one.state === 'unknown') });
}

/** @param {Entry} entry */
export const cancel = async (entry) => {
  const told = await post(`/requests/${entry.id}/cancel`);
  await look(entry.id);
  return told.cancelled;
};

/** @param {string} attempt @param {'look' | 'write-off'} decision @param {Entry} entry */
export async function decide(attempt, decision, entry) {
  const told = await post(`/unknowns/${attempt}/${decision}`);
  await look(entry.id);
  return told;
}

/** @param {string} attempt @param {Entry} entry */
export async function buyAgain(attempt, entry) {
  const told = await post(`/unknowns/${attempt}/rebuy`, undefined, { headers: { prefer: 'respond-async' } });
  await look(entry.id);
  if (told.id && told.id !== entry.id) await look(told.id);
}

const AGAIN_MS = 700;

/** All its images have ended, and yet it is not over: it will be in a moment. @param {string} id */
function keepLooking(id) {
  const steps = [...(find(id)?.steps.values() ?? [])];
  if (steps.length && steps.every((step) => ENDS.has(step.kind))) setTimeout(read, AGAIN_MS, id);
}

/** Requests that are being read: the news come faster than the answers. */
const reading = new Set();

/** @param {CustomEvent<any>} event */
function hear({ detail: step }) {
  if (!step.request_id) return;
  const steps = step.attempt_id ? withStep(heard.get(step.request_id) ?? new Map(), step) : new Map();
  heard.set(step.request_id, steps);
  if (heard.size > MOST_HEARD) heard.delete(heard.keys().next().value ?? '');
  const entry = find(step.request_id);
  if (entry && !ENDS.has(step.kind)) change(entry.key, { steps, state: stateAt(step.kind), underWay: true });
  else read(step.request_id);
}

/** @param {string} kind */
const stateAt = (kind) => (kind === 'begun' || kind === 'queued' || kind === 'claimed' ? 'planned' : 'sent');

const SETTLED_MS = 150;

/** A moment later, once for all the news that come meanwhile. @param {string} id */
function read(id) {
  if (reading.has(id)) return;
  reading.add(id);
  setTimeout(() => {
    reading.delete(id);
    void look(id);
  }, SETTLED_MS);
}

/** @param {Map<string, Step>} steps @param {any} step @returns {Map<string, Step>} */
function withStep(steps, step) {
  const before = steps.get(step.attempt_id);
  const now = {
    kind: step.kind,
    place: step.place ?? null,
    message: step.message ?? '',
    bytes: step.bytes ?? before?.bytes ?? 0,
    sentAt: step.kind === 'sent' ? Date.parse(step.at) : before?.sentAt ?? null,
    usual_s: step.usual_s ?? before?.usual_s ?? null,
    limit_s: step.limit_s ?? before?.limit_s ?? null,
    at_stake: step.at_stake ?? before?.at_stake ?? null,
  };
  return new Map(steps).set(step.attempt_id, now);
}

news.addEventListener('news', /** @type {EventListener} */ (/** @type {unknown} */ (hear)));
