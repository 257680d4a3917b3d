/**
 * Every word of the pages, in two languages. `t(name, holes)` is the sentence as text; holes are
 * `{named}`, and never markup.
 */
import { en } from './en.js';
import { zh } from './zh.js';
import { remember, recall } from '../state/memory.js';

/** @typedef {'en' | 'zh'} Language */

const TABLES = { en, zh };

/** Tells `change` when the language is another. */
export const languages = new EventTarget();

/** @type {Language} */
let current = chosen();

/** @returns {Language} What was chosen before, or what the browser asks for first. */
function chosen() {
  const kept = recall('language', '');
  if (kept === 'en' || kept === 'zh') return kept;
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

/** @returns {Language} */
export const language = () => current;

/** The locale of numbers and dates. */
export const locale = () => (current === 'zh' ? 'zh-CN' : navigator.language.startsWith('en') ? navigator.language : 'en');

/** @param {Language} wanted */
export function speak(wanted) {
  current = wanted;
  remember('language', wanted);
  document.documentElement.lang = wanted === 'zh' ? 'zh-CN' : 'en';
  languages.dispatchEvent(new Event('change'));
}

/**
 * A sentence may be two, for one and for many: `{count} image|{count} images`.
 * @param {string} name
 * @param {Record<string, string | number>} [holes]
 * @returns {string}
 */
export function t(name, holes = {}) {
  const [one, many = one] = (TABLES[current][name] ?? TABLES.en[name] ?? name).split('|');
  const sentence = String(holes.count) === '1' ? one : many;
  return sentence.replace(/\{(\w+)\}/g, (hole, key) => String(holes[key] ?? hole));
}
