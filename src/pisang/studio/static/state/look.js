/** Light or dark: as the machine has it, or as was chosen here. */
import { recall, remember } from './memory.js';
import { Store } from './store.js';

/** @typedef {'auto' | 'light' | 'dark'} Theme */

const NEXT = { auto: 'light', light: 'dark', dark: 'auto' };

/** @type {Store<{theme: Theme}>} */
export const look = new Store({ theme: recall('theme', 'auto') });

function apply() {
  const { theme } = look.value;
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** The next of the three. */
export function turnTheme() {
  look.set({ theme: NEXT[look.value.theme] ?? 'auto' });
  remember('theme', look.value.theme);
  apply();
}

apply();
