/** Where a wish is made: words, pictures, model, shape, size, how many; and what it will cost. */
import { css, html, live, nothing } from '../vendor/lit.js';
import { moneyText } from '../format.js';
import { t } from '../i18n/index.js';
import { asAsked, choices, modelOf, priceOf, sizeOf, times, upstreamOf, wishProblem } from '../state/choices.js';
import { filesOf, takePictures } from '../state/pictures.js';
import { submit } from '../state/queue.js';
import { mayUse, session } from '../state/session.js';
import { Watch } from '../state/store.js';
import { rememberPrompt, walkPrompts, wish } from '../state/wish.js';
import { icon } from '../styles/icons.js';
import { StudioElement } from './element.js';
import './ratio-picker.js';
import './reference-tray.js';
import './size-picker.js';

class WishComposer extends StudioElement {
  static styles = [
    ...StudioElement.styles,
    css`
      form { display: flex; flex-direction: column; gap: var(--space-4); }
      textarea { min-height: 7.5rem; max-height: 40vh; field-sizing: content; border-radius: var(--radius-l); line-height: 1.55; }
      .pair { display: grid; grid-template-columns: 1fr 1fr; gap: var(--space-3); }
      .count { display: flex; align-items: center; gap: 2px; }
      .count output { min-width: 1.75rem; text-align: center; font-weight: 600; }
      .hint { display: flex; justify-content: space-between; margin-top: var(--space-1); }
      @media (hover: none) { .hint { display: none; } }
      footer { position: sticky; bottom: 0; display: flex; flex-direction: column; gap: var(--space-2);
        padding: var(--space-3) 0 var(--space-4); background: linear-gradient(transparent, var(--paper) 0.75rem); }
      .send { min-height: 2.9rem; flex: 1; font-size: var(--text-m); border-radius: var(--radius-l); }
      .send span.number { font-weight: 500; opacity: 0.8; }
    `,
  ];

  constructor() {
    super();
    new Watch(this, wish, choices, session);
  }

  /** Puts the cursor into the words. */
  focusPrompt() {
    const area = /** @type {HTMLTextAreaElement} */ (this.renderRoot.querySelector('textarea'));
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
  }

  render() {
    const problem = wishProblem();
    const ready = choices.value.ready && mayUse() && !problem && wish.value.prompt.trim() !== '';
    return html`
      <form @submit=${this.send} @keydown=${this.pressed} @paste=${this.pasted}>
        <div>
          <label>${t('composer.prompt')}
            <textarea
              name="prompt" .value=${live(wish.value.prompt)} placeholder=${t(wish.value.base ? 'composer.edit-placeholder' : 'composer.placeholder')}
              @input=${(/** @type {any} */ event) => wish.set({ prompt: event.target.value })} maxlength="100000"
            ></textarea>
          </label>
          <p class="hint small faint"><span>${t('composer.history-hint')}</span></p>
        </div>
        <reference-tray></reference-tray>
        <div class="pair">${this.upstreams()}${this.models()}</div>
        <ratio-picker></ratio-picker>
        <size-picker></size-picker>
        <footer>
          ${problem && choices.value.ready ? html`<p class="note warn" role="status">${problem}</p>` : nothing}
          ${session.value.ready && !mayUse() ? html`<p class="note warn">${t('composer.read-only')}</p>` : nothing}
          <div class="row">${this.count()}${this.sendButton(ready)}</div>
        </footer>
      </form>
    `;
  }

  upstreams() {
    const now = upstreamOf()?.name ?? '';
    return html`<label>${t('composer.upstream')}
      <select name="via" .value=${live(now)} @change=${(/** @type {any} */ event) => wish.set({ via: event.target.value, model: '' })}>
        ${choices.value.upstreams.map((one) => html`<option value=${one.name} ?selected=${one.name === now}>
          ${one.standing === 'ejected' ? t('composer.resting', { name: one.name }) : one.name}</option>`)}
      </select>
    </label>`;
  }

  models() {
    const now = modelOf()?.id ?? '';
    return html`<label>${t('composer.model')}
      <select name="model" .value=${live(now)} @change=${(/** @type {any} */ event) => wish.set({ model: event.target.value })}>
        ${(upstreamOf()?.models ?? []).map((one) => html`<option value=${one.id} ?selected=${one.id === now} ?disabled=${Boolean(one.why)}>${one.name}</option>`)}
      </select>
    </label>`;
  }

  count() {
    const { n } = wish.value;
    const most = choices.value.max_n;
    const set = (/** @type {number} */ wanted) => wish.set({ n: Math.min(Math.max(wanted, 1), most) });
    return html`<div class="count" role="group" aria-label=${t('composer.n')}>
      <button type="button" class="quiet icon" aria-label=${t('composer.fewer')} ?disabled=${n <= 1} @click=${() => set(n - 1)}>${icon('minus')}</button>
      <output class="number" aria-live="polite" aria-label=${t('composer.n')}>${n}</output>
      <button type="button" class="quiet icon" aria-label=${t('composer.more')} ?disabled=${n >= most} @click=${() => set(n + 1)}>${icon('plus')}</button>
    </div>`;
  }

  /** @param {boolean} ready */
  sendButton(ready) {
    const price = priceOf(sizeOf());
    const cost = price ? moneyText(times(price.amount, wish.value.n), price.currency) : t('composer.price-unknown');
    const verb = t(wish.value.base ? 'composer.edit' : 'composer.create');
    return html`<button class="primary send" ?disabled=${!ready} title=${t('composer.send-key')}>
      ${verb}<span class="number">${cost}</span>
    </button>`;
  }

  /** @param {Event} event */
  async send(event) {
    event.preventDefault();
    if (!choices.value.ready) await new Promise((resolve) => choices.addEventListener('change', resolve, { once: true }));
    if (wishProblem() || !mayUse() || !wish.value.prompt.trim()) return;
    rememberPrompt(wish.value.prompt);
    void submit(asAsked());
    this.tell('wish-sent');
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      this.send(event);
    } else if (event.altKey && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
      event.preventDefault();
      walkPrompts(event.key === 'ArrowUp' ? -1 : 1);
    }
  }

  /** @param {ClipboardEvent} event */
  pasted(event) {
    const files = filesOf(event.clipboardData);
    if (!files.length) return;
    event.preventDefault();
    event.stopPropagation();
    void takePictures(files);
  }
}

customElements.define('wish-composer', WishComposer);
