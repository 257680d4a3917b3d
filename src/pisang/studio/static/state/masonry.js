/**
 * Where each picture of the gallery is: columns of one width, each picture in the shortest. Only
 * arithmetic; what was placed stays where it is while more is added below.
 */

/** @typedef {{left: number, top: number, width: number, height: number}} Place */

export class Masonry {
  /** @param {number} width of the whole @param {number} wanted about how wide a column is @param {number} gap */
  constructor(width, wanted, gap) {
    this.columns = Math.max(2, Math.round((width + gap) / (wanted + gap)));
    this.gap = gap;
    this.column = (width - gap * (this.columns - 1)) / this.columns;
    /** How far down each column goes. */
    this.ends = new Array(this.columns).fill(0);
    /** @type {Place[]} */
    this.places = [];
    /** The furthest bottom among the first so many: what `window` searches in. @type {number[]} */
    this.bottoms = [];
  }

  /** Places those that are new. @param {{width: number, height: number}[]} images all of them */
  extend(images) {
    for (let at = this.places.length; at < images.length; at += 1) this.place(images[at]);
  }

  /** @param {{width: number, height: number}} image */
  place({ width, height }) {
    const at = this.ends.indexOf(Math.min(...this.ends));
    const high = Math.round(this.column * Math.min(Math.max(height / width, 0.4), 2.2));
    const top = this.ends[at];
    this.ends[at] = top + high + this.gap;
    this.places.push({ left: at * (this.column + this.gap), top, width: this.column, height: high });
    this.bottoms.push(Math.max(this.bottoms[this.bottoms.length - 1] ?? 0, top + high));
  }

  get height() {
    return Math.max(0, ...this.ends) - (this.places.length ? this.gap : 0);
  }

  /**
   * The pictures that a stretch may show: from the first whose bottom reaches it, to the last whose
   * top does. Tops only grow, since each goes into the shortest column.
   * @param {number} from @param {number} to
   * @returns {[number, number]} the first, and the one after the last
   */
  window(from, to) {
    const first = search(this.bottoms.length, (at) => this.bottoms[at] >= from);
    const end = search(this.places.length, (at) => this.places[at].top > to);
    return [first, Math.max(first, end)];
  }
}

/** The first number below `count` for which it holds, where it holds from there on. @param {number} count @param {(at: number) => boolean} holds */
function search(count, holds) {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
