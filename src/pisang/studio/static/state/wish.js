/** What is being composed: it survives a visit, except for pictures that are only here. */
import { recall, remember } from './memory.js';
import { Store } from './store.js';

/**
 * @typedef {object} Reference a picture that goes along
 * @property {string} key
 * @property {string} image what the server is told: a SHA-256, or a `data:` URL
 * @property {string} preview an address to show
 * @property {string} name
 */

/**
 * @typedef {object} Wish
 * @property {string} prompt
 * @property {string} via the upstream; empty: the server's choice
 * @property {string} model
 * @property {string} ratio
 * @property {string} size
 * @property {number} n
 * @property {Reference | null} base the picture that is edited
 * @property {Reference[]} references
 */

const MOST_PROMPTS = 200;
const KEPT = ['prompt', 'via', 'model', 'ratio', 'size', 'n'];
const EMPTY = { prompt: '', via: '', model: '', ratio: '', size: '', n: 1, base: null, references: [] };

/** @type {Store<Wish>} */
export const wish = new Store({ ...EMPTY, ...recall('wish', {}) });

wish.addEventListener('change', () => {
  remember('wish', Object.fromEntries(KEPT.map((name) => [name, wish.value[name]])));
});

/** Prompts that were sent from here, newest last. @type {string[]} */
let prompts = recall('prompts', []);
let place = prompts.length;
let unsent = '';

/** @param {string} prompt */
export function rememberPrompt(prompt) {
  prompts = [...prompts.filter((one) => one !== prompt), prompt].slice(-MOST_PROMPTS);
  place = prompts.length;
  remember('prompts', prompts);
}

/** Goes through the prompts that were sent before. @param {-1 | 1} step older, newer */
export function walkPrompts(step) {
  if (place === prompts.length) unsent = wish.value.prompt;
  place = Math.min(Math.max(place + step, 0), prompts.length);
  wish.set({ prompt: place === prompts.length ? unsent : prompts[place] });
}

/** @param {{sha256: string, preview?: string | null, url?: string | null, prompt?: string}} image */
export const referenceOf = (image) => ({
  key: image.sha256,
  image: image.sha256,
  preview: image.preview ?? image.url ?? '',
  name: image.prompt || image.sha256.slice(0, 8),
});

/** Adds pictures to the tray; one that is there already stays where it is. @param {Reference[]} added */
export function addReferences(added) {
  const there = new Set([...wish.value.references.map((one) => one.key), wish.value.base?.key]);
  wish.set({ references: [...wish.value.references, ...added.filter((one) => !there.has(one.key))] });
}

/** @param {string} key */
export function removeReference(key) {
  const { base, references } = wish.value;
  wish.set({
    base: base?.key === key ? null : base,
    references: references.filter((one) => one.key !== key),
  });
}

/** @param {number} from @param {number} to */
export function moveReference(from, to) {
  const references = [...wish.value.references];
  if (to < 0 || to >= references.length) return;
  references.splice(to, 0, ...references.splice(from, 1));
  wish.set({ references });
}
