/** A picture under the hand: where it is and how large, with the point under the finger kept. */

const MOST = 16;

/** @typedef {{scale: number, x: number, y: number}} View scale 1: it just fits */

/** @type {View} */
export const FITTED = { scale: 1, x: 0, y: 0 };

/**
 * Larger or smaller around a point, which is told from the middle of the field.
 * @param {View} view @param {number} by @param {number} x @param {number} y
 * @returns {View}
 */
export function zoomed(view, by, x, y) {
  const scale = Math.min(Math.max(view.scale * by, 1), MOST);
  if (scale === 1) return FITTED;
  const grown = scale / view.scale;
  return { scale, x: x - (x - view.x) * grown, y: y - (y - view.y) * grown };
}

/** @param {View} view @param {number} x @param {number} y @returns {View} */
export const moved = (view, x, y) => (view.scale === 1 ? view : { ...view, x: view.x + x, y: view.y + y });
