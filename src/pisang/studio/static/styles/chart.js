/** Bars over days as one small SVG, each with its figure as a title. */
import { html, svg } from '../vendor/lit.js';

const WIDTH = 720;
const HEIGHT = 180;

/** @typedef {{name: string, label: string, value: number, text: string}} Bar */

/**
 * @param {Bar[]} bars
 * @param {string} title
 */
export function barChart(bars, title) {
  const most = Math.max(...bars.map((one) => one.value), 0) || 1;
  const slot = WIDTH / Math.max(bars.length, 1);
  const highest = bars.find((one) => one.value === most);
  return html`
    <p class="most number" aria-hidden="true">${highest?.text ?? ''}</p>
    <svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${title}>
      ${bars.map((one, at) => bar(one, (at + 0.15) * slot, slot * 0.7, most))}
      <line x1="0" x2=${WIDTH} y1=${HEIGHT} y2=${HEIGHT}></line>
    </svg>
    <div class="labels" aria-hidden="true">${bars.filter((one) => one.label).map((one) => html`<span>${one.label}</span>`)}</div>`;
}

/** @param {Bar} one @param {number} left @param {number} wide @param {number} most */
function bar(one, left, wide, most) {
  const high = one.value > 0 ? Math.max(2, (one.value / most) * (HEIGHT - 4)) : 0;
  return svg`<rect x=${left} y=${HEIGHT - high} width=${wide} height=${high}><title>${one.name}: ${one.text}</title></rect>`;
}
