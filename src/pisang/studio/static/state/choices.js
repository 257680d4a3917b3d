/**
 * What can be asked for: the upstreams, their models with shapes, sizes and prices, as the server
 * knows them. Nothing here is a list of our own.
 */
import { get } from '../api.js';
import { t } from '../i18n/index.js';
import { Store } from './store.js';
import { wish } from './wish.js';

/**
 * @typedef {object} Choice a model of an upstream
 * @property {string} id as the upstream names it
 * @property {string} name
 * @property {string[]} aspect_ratios empty: unknown, anything passes
 * @property {string[]} image_sizes
 * @property {string | null} default_size
 * @property {number | null} max_references
 * @property {Record<string, {amount: string, currency: string} | null>} prices by size
 * @property {Record<string, [number, number]>} pixels by `ratio@size`
 * @property {string | null} why why this key may not use it
 */

/**
 * @typedef {object} Upstream
 * @property {string} name
 * @property {string} standing
 * @property {string | null} default_model
 * @property {string | null} default_aspect_ratio
 * @property {string | null} default_image_size
 * @property {Choice[]} models
 */

/** @type {Store<{ready: boolean, default: string, upstreams: Upstream[], max_n: number}>} */
export const choices = new Store({ ready: false, default: '', upstreams: [], max_n: 10 });

export async function readChoices() {
  const told = await get('/choices');
  choices.set({ ready: true, ...told });
}

/** The ratios that a picker shows, narrowest first; a model may have fewer or more. */
export const RATIOS = ['1:8', '1:4', '9:16', '2:3', '3:4', '4:5', '1:1', '5:4', '4:3', '3:2', '16:9', '21:9', '4:1', '8:1'];
export const SIZES = ['512', '1K', '2K', '4K'];

/** The upstream of the wish. @returns {Upstream | undefined} */
export const upstreamOf = (via = wish.value.via) =>
  choices.value.upstreams.find((one) => one.name === (via || choices.value.default)) ?? choices.value.upstreams[0];

/** The model of the wish there. @returns {Choice | undefined} */
export function modelOf() {
  const upstream = upstreamOf();
  const wanted = wish.value.model || upstream?.default_model;
  return upstream?.models.find((one) => one.id === wanted) ?? upstream?.models[0];
}

export const ratioOf = () => wish.value.ratio || (wish.value.base ? '' : upstreamOf()?.default_aspect_ratio || '1:1');
export const sizeOf = () => wish.value.size || upstreamOf()?.default_image_size || modelOf()?.default_size || '1K';

/** Why a ratio can't be asked for; empty where it can. @param {string} ratio */
export function ratioProblem(ratio) {
  const model = modelOf();
  if (!model?.aspect_ratios.length || model.aspect_ratios.includes(ratio)) return '';
  return t('why.ratio', { model: model.name, ratio, choices: model.aspect_ratios.join(', ') });
}

/** Why a size can't be asked for; empty where it can. @param {string} size */
export function sizeProblem(size) {
  const model = modelOf();
  if (!model?.image_sizes.length || model.image_sizes.includes(size)) return '';
  return t('why.size', { model: model.name, size, choices: model.image_sizes.join(', ') });
}

/** Why the wish can't be sent as it is; empty where it can. */
export function wishProblem() {
  const { references, base } = wish.value;
  const model = modelOf();
  const count = references.length + (base ? 1 : 0);
  if (!model) return t('why.no-upstream');
  if (model.why) return model.why;
  if (model.max_references !== null && count > model.max_references) {
    return t('why.references', { model: model.name, count, limit: model.max_references });
  }
  return (ratioOf() && ratioProblem(ratioOf())) || sizeProblem(sizeOf());
}

/** The pixels of a shape, where they are known. @param {string} ratio @param {string} size */
export const pixelsOf = (ratio, size) => modelOf()?.pixels[`${ratio}@${size}`] ?? null;

/** What an image of that size costs, where that is known. @param {string} size */
export const priceOf = (size) => modelOf()?.prices[size] ?? null;

const MICROS = 1_000_000;

/** An amount n times, in exact decimal text. @param {string} amount @param {number} n */
export function times(amount, n) {
  const micros = Math.round(Number(amount) * MICROS) * n;
  return (micros / MICROS).toFixed(6).replace(/0+$/, '').replace(/\.$/, '');
}

/** The wish, as `/generations` takes it. */
export function asAsked() {
  const { prompt, via, n, base, references } = wish.value;
  const model = modelOf();
  const upstream = upstreamOf();
  return {
    prompt,
    ...(via && upstream ? { via: upstream.name } : {}),
    ...(model ? { model: model.id } : {}),
    ...(ratioOf() ? { aspect_ratio: ratioOf() } : {}),
    image_size: sizeOf(),
    n,
    ...(base ? { image: base.image } : {}),
    ...(references.length ? { references: references.map((one) => one.image) } : {}),
  };
}
