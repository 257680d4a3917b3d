/** Shapes to choose from, each drawn as what it is; those the model can't make say why. */
import { css, html } from '../vendor/lit.js';
import { t } from '../i18n/index.js';
import { choices, modelOf, pixelsOf, ratioOf, ratioProblem, RATIOS, sizeOf } from '../state/choices.js';
import { Watch } from '../state/store.js';
import { wish } from '../state/wish.js';
import { StudioElement } from './element.js';
import { step } from './radios.js';

const FIELD = 22;

/** The sides of a shape within the field. @param {string} ratio */
function sides(ratio) {
  const [wide, high] = ratio.split(':').map(Number);
  const scale = FIELD / Math.max(wide, high);
  return [Math.max(3, wide * scale), Math.max(3, high * scale)];
}

class RatioPicker extends StudioElement {
  static properties = { why: { state: true } };

  static styles = [
    ...StudioElement.styles,
    css`
      .shapes { display: grid; grid-template-columns: repeat(auto-fill, minmax(3.1rem, 1fr)); gap: var(--space-1); }
      button { flex-direction: column; gap: 0.125rem; padding: var(--space-2) 0 var(--space-1); min-height: 3.5rem;
        border-color: transparent; background: transparent; font-size: var(--text-xs); color: var(--ink-soft); }
      button svg { width: 24px; height: 24px; }
      rect { fill: none; stroke: currentColor; stroke-width: 1.5; }
      button[aria-checked='true'] { background: var(--accent-soft); color: var(--accent-ink); }
      button[aria-checked='true'] rect { fill: currentColor; fill-opacity: 0.25; }
      button[aria-disabled='true'] { color: var(--ink-faint); cursor: not-allowed; }
      button[aria-disabled='true'] svg { opacity: 0.4; }
      button[aria-disabled='true'] span { text-decoration: line-through; }
      p { min-height: 1.4em; margin-top: var(--space-1); font-size: var(--text-s); color: var(--ink-soft); }
      p.why { color: var(--warn); }
      .head { display: flex; justify-content: space-between; margin-bottom: var(--space-1); }
    `,
  ];

  constructor() {
    super();
    this.why = '';
    new Watch(this, wish, choices);
  }

  /** @param {string} ratio */
  choose(ratio) {
    this.why = ratio && ratioProblem(ratio);
    if (!this.why) wish.set({ ratio });
  }

  render() {
    const now = ratioOf();
    const known = modelOf()?.aspect_ratios ?? [];
    const shown = RATIOS.filter((one) => !known.length || known.includes(one) || STANDARD.has(one));
    const all = wish.value.base ? ['', ...shown] : shown;
    return html`
      <div class="head"><span class="label" id="title">${t('composer.ratio')}</span>${this.pixels(now)}</div>
      <div class="shapes" role="radiogroup" aria-labelledby="title" aria-describedby="why" @keydown=${step}>
        ${all.map((ratio) => this.shape(ratio, ratio === now))}
      </div>
      <p id="why" class=${this.why ? 'why' : ''} aria-live="polite" ?hidden=${!this.why}>${this.why}</p>
    `;
  }

  /** @param {string} now */
  pixels(now) {
    const pixels = now && pixelsOf(now, sizeOf());
    return html`<span class="small faint number">${pixels ? `${pixels[0]} × ${pixels[1]} px` : ''}</span>`;
  }

  /** @param {string} ratio @param {boolean} chosen */
  shape(ratio, chosen) {
    const problem = ratio && ratioProblem(ratio);
    const [wide, high] = sides(ratio || '1:1');
    const pixels = ratio && pixelsOf(ratio, sizeOf());
    return html`<button
      role="radio" type="button" aria-checked=${chosen} tabindex=${chosen ? 0 : -1}
      aria-disabled=${problem ? 'true' : 'false'} title=${problem || (pixels ? `${pixels[0]} × ${pixels[1]} px` : '')}
      @click=${() => this.choose(ratio)}
    >
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <rect x=${12 - wide / 2} y=${12 - high / 2} width=${wide} height=${high} rx="1.5" stroke-dasharray=${ratio ? 'none' : '3 2'}></rect>
      </svg>
      <span>${ratio || t('composer.as-it-is')}</span>
    </button>`;
  }
}

const STANDARD = new Set(['9:16', '2:3', '3:4', '4:5', '1:1', '5:4', '4:3', '3:2', '16:9', '21:9']);

customElements.define('ratio-picker', RatioPicker);
