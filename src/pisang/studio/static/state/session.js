/** Who is signed in, and what he may do. */
import { call, door, get, post } from '../api.js';
import { Store } from './store.js';
import { complain } from './toasts.js';

/**
 * @typedef {object} Session
 * @property {boolean} ready whether the server has said who we are
 * @property {boolean} signedIn
 * @property {boolean} guarded whether this server asks for a key at all
 * @property {string} name
 * @property {'read' | 'use' | 'admin' | ''} role
 * @property {string} version
 */

/** @type {Store<Session>} */
export const session = new Store({ ready: false, signedIn: false, guarded: true, name: '', role: '', version: '' });

/** @param {any} told */
function accept(told) {
  session.set({
    ready: true,
    signedIn: told.signed_in,
    guarded: told.guarded,
    name: told.name ?? '',
    role: told.role ?? '',
    version: told.version ?? '',
  });
}

const TICKET = '#enter=';

/** Who came by `pisang studio` has a ticket in the address, good for once; it is taken out of there at once. */
async function useTicket() {
  if (!location.hash.startsWith(TICKET)) return;
  const ticket = location.hash.slice(TICKET.length);
  history.replaceState(null, '', location.pathname);
  await post('/session', { ticket }).catch(complain);
}

/** Asks the server who we are. Raises `ApiError` where it can't be reached. */
export async function readSession() {
  await useTicket();
  accept(await get('/session'));
}

/** @param {string} key a gateway key; it goes to the server once, and is kept nowhere here */
export async function signIn(key) {
  accept(await post('/session', { key }));
}

/** Ends the session on the server, and here. */
export async function signOut() {
  await call('DELETE', '/session');
  await readSession();
}

export const mayUse = () => session.value.role === 'use' || session.value.role === 'admin';
export const isAdmin = () => session.value.role === 'admin';

door.addEventListener('signed-out', () => {
  if (session.value.signedIn) session.set({ signedIn: false });
});
