/** Two images over one another, with a slider between them. */
import { css, html } from '../vendor/lit.js';
import { t } from '../i18n/index.js';
import { StudioElement } from './element.js';

class ImageCompare extends StudioElement {
  static properties = { left: {}, right: {}, part: { state: true }, swapped: { state: true } };

  static styles = [
    ...StudioElement.styles,
    css`
      :host { position: relative; overflow: hidden; }
      img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; }
      input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; padding: 0; border: 0; opacity: 0; cursor: ew-resize; }
      .line { position: absolute; top: 0; bottom: 0; width: 2px; margin-left: -1px; background: #fff; box-shadow: 0 0 0 1px #0006; pointer-events: none; }
      .line::after { content: ''; position: absolute; top: 50%; left: 50%; width: 2rem; height: 2rem; margin: -1rem; border-radius: 50%; background: #fff; box-shadow: 0 2px 8px #0008; }
      input:focus-visible ~ .line::after { outline: 3px solid var(--focus); }
      button { position: absolute; bottom: var(--space-4); left: 50%; transform: translateX(-50%); }
    `,
  ];

  constructor() {
    super();
    this.part = 50;
    this.swapped = false;
  }

  render() {
    const [under, over] = this.swapped ? [this.left, this.right] : [this.right, this.left];
    return html`
      <img src=${under} alt=${t('compare.right')} draggable="false" />
      <img src=${over} alt=${t('compare.left')} draggable="false" .style=${`clip-path:inset(0 ${100 - this.part}% 0 0)`} />
      <input type="range" min="0" max="100" step="0.5" .value=${String(this.part)} aria-label=${t('compare.slider')}
        @input=${(/** @type {any} */ event) => { this.part = Number(event.target.value); }} />
      <div class="line" .style=${`left:${this.part}%`}></div>
      <button @click=${() => { this.swapped = !this.swapped; }}>${t('compare.swap')}</button>`;
  }
}

customElements.define('image-compare', ImageCompare);
