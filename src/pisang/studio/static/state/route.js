/** Which page is shown: the part of the address after `#/`. */
import { Store } from './store.js';

/** @type {Store<{page: string, rest: string[]}>} */
export const route = new Store(parse());

function parse() {
  const [page, ...rest] = location.hash.replace(/^#\/?/, '').split('/');
  return { page: page || 'create', rest };
}

window.addEventListener('hashchange', () => route.set(parse()));

/** @param {string} page */
export function go(page) {
  location.hash = `#/${page}`;
}
