/** Image sizes with what each costs; those the model can't make say why. */
import { css, html } from '../vendor/lit.js';
import { moneyText } from '../format.js';
import { t } from '../i18n/index.js';
import { choices, modelOf, priceOf, sizeOf, sizeProblem, SIZES } from '../state/choices.js';
import { Watch } from '../state/store.js';
import { wish } from '../state/wish.js';
import { StudioElement } from './element.js';
import { step } from './radios.js';

class SizePicker extends StudioElement {
  static properties = { why: { state: true } };

  static styles = [
    ...StudioElement.styles,
    css`
      .sizes { display: grid; grid-auto-flow: column; grid-auto-columns: 1fr; gap: 2px; padding: 2px;
        border-radius: var(--radius-m); background: var(--sunken); margin-top: var(--space-1); }
      button { flex-direction: column; gap: 0; min-height: 2.75rem; padding: 0; border: 0; border-radius: calc(var(--radius-m) - 2px);
        background: transparent; color: var(--ink-soft); }
      button:hover { background: var(--surface); }
      button[aria-checked='true'] { background: var(--surface); color: var(--ink); box-shadow: var(--shadow-1); }
      button[aria-disabled='true'] { color: var(--ink-faint); cursor: not-allowed; text-decoration: line-through; }
      button small { font-weight: 450; font-size: var(--text-xs); color: var(--ink-faint); text-decoration: none; }
      p { margin-top: var(--space-1); font-size: var(--text-s); color: var(--warn); }
    `,
  ];

  constructor() {
    super();
    this.why = '';
    new Watch(this, wish, choices);
  }

  /** @param {string} size */
  choose(size) {
    this.why = sizeProblem(size);
    if (!this.why) wish.set({ size });
  }

  render() {
    const now = sizeOf();
    const shown = SIZES.filter((size) => size !== '512' || modelOf()?.image_sizes.includes(size));
    return html`
      <span class="label" id="title">${t('composer.size')}</span>
      <div class="sizes" role="radiogroup" aria-labelledby="title" @keydown=${step}>
        ${shown.map((size) => this.size(size, size === now))}
      </div>
      <p aria-live="polite" ?hidden=${!this.why}>${this.why}</p>
    `;
  }

  /** @param {string} size @param {boolean} chosen */
  size(size, chosen) {
    const problem = sizeProblem(size);
    const price = problem ? null : priceOf(size);
    return html`<button
      role="radio" type="button" aria-checked=${chosen} tabindex=${chosen ? 0 : -1}
      aria-disabled=${problem ? 'true' : 'false'} title=${problem} @click=${() => this.choose(size)}
    ><span>${size}</span><small class="number">${price ? moneyText(price.amount, price.currency) : '–'}</small></button>`;
  }
}

customElements.define('size-picker', SizePicker);
