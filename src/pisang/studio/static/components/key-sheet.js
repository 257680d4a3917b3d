/** The sheet of keys, under `?`. */
import { css, html } from '../vendor/lit.js';
import { t } from '../i18n/index.js';
import { icon } from '../styles/icons.js';
import { StudioElement } from './element.js';

const MAC = navigator.platform.startsWith('Mac');

const KEYS = {
  everywhere: [['?', 'sheet'], ['n', 'prompt'], ['/', 'search'], ['1 … 6', 'pages'], ['Esc', 'close']],
  composer: [[MAC ? '⌘ ↵' : 'Ctrl ↵', 'send'], [MAC ? '⌥ ↑ ↓' : 'Alt ↑ ↓', 'history'], [MAC ? '⌘ V' : 'Ctrl V', 'paste']],
  gallery: [['← ↑ → ↓', 'walk'], ['↵', 'open'], ['Space', 'pick'], ['f', 'favour']],
  viewer: [['← →', 'turn'], ['+ − 0', 'zoom'], ['i', 'info'], ['e', 'edit'], ['r', 'remix'], ['u', 'use'], ['f', 'favour'], ['c', 'compare'], ['Del', 'delete']],
};

class KeySheet extends StudioElement {
  static styles = [
    ...StudioElement.styles,
    css`
      dialog { width: min(46rem, calc(100vw - 2rem)); }
      header { display: flex; justify-content: space-between; align-items: center; padding: var(--space-4) var(--space-5) 0; }
      .sets { display: grid; grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr)); gap: var(--space-5); padding: var(--space-5); }
      h3 { margin-bottom: var(--space-2); }
      li { display: flex; justify-content: space-between; gap: var(--space-3); padding: var(--space-1) 0; font-size: var(--text-s); }
    `,
  ];

  show() {
    this.sheet.showModal();
  }

  get sheet() {
    return /** @type {HTMLDialogElement} */ (this.renderRoot.querySelector('dialog'));
  }

  render() {
    return html`<dialog aria-labelledby="title">
      <header><h2 id="title">${t('keys.title')}</h2>
        <button class="quiet icon" aria-label=${t('viewer.close')} @click=${() => this.sheet.close()}>${icon('close')}</button></header>
      <div class="sets">
        ${Object.entries(KEYS).map(([set, rows]) => html`<section><h3>${t(`keys.${set}`)}</h3>
          <ul>${rows.map(([key, name]) => html`<li><span>${t(`key.${name}`)}</span><kbd>${key}</kbd></li>`)}</ul></section>`)}
      </div>
    </dialog>`;
  }
}

customElements.define('key-sheet', KeySheet);
