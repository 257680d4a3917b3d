/** What is looked for among the images: words, and filters that are there to be chosen. */
import { css, html, live, nothing } from '../vendor/lit.js';
import { countText } from '../format.js';
import { t } from '../i18n/index.js';
import { choices, RATIOS, SIZES } from '../state/choices.js';
import { gallery, lookFor, NO_FILTER, picked, unpick } from '../state/gallery.js';
import { Watch } from '../state/store.js';
import { complain } from '../state/toasts.js';
import { icon } from '../styles/icons.js';
import { StudioElement } from './element.js';

const TYPING_MS = 180;
const OUTCOMES = ['unknown', 'failed', 'refused'];

class GalleryTools extends StudioElement {
  static properties = { open: { type: Boolean, reflect: true } };

  static styles = [
    ...StudioElement.styles,
    css`
      :host { position: sticky; top: 0; z-index: 3; padding: var(--space-2) 0 var(--space-3); background: linear-gradient(var(--paper) 85%, transparent); }
      .search { position: relative; flex: 1 1 auto; min-width: 0; }
      .search input { padding-left: 2.4rem; border-color: var(--line); border-radius: var(--radius-full); background: var(--surface); }
      .search svg { position: absolute; left: 0.8rem; top: 0.6rem; color: var(--ink-faint); pointer-events: none; }
      .filters { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: var(--space-3); margin-top: var(--space-2); padding: var(--space-4); }
      .filters .end { align-self: end; }
      .total { margin-inline: var(--space-1); white-space: nowrap; }
      @media (max-width: 40rem) { .total, .pick span { display: none; } .pick { width: 2.25rem; padding: 0; } :host([open]) { position: static; } .filters { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); } }
    `,
  ];

  constructor() {
    super();
    this.open = false;
    this.timer = 0;
    new Watch(this, gallery, picked, choices);
  }

  /** Puts the cursor into the words that are looked for. */
  focusSearch() {
    /** @type {HTMLInputElement} */ (this.renderRoot.querySelector('[type=search]')).select();
  }

  render() {
    const { filter, total, more } = gallery.value;
    const active = Object.entries(filter).filter(([name, value]) => name !== 'query' && value).length;
    return html`
      <div class="row" role="search">
        <div class="search">${icon('search')}
          <input type="search" aria-label=${t('gallery.search')} placeholder=${t('gallery.search')} .value=${live(filter.query)} @input=${this.typed} />
        </div>
        ${total === null ? nothing : html`<span class="total small faint number" aria-hidden="true">${t('gallery.total', { count: `${countText(total)}${more ? '+' : ''}` })}</span>`}
        ${this.only('favourite', 'star')}${this.only('trash', 'trash')}
        <button class="quiet toggle" aria-expanded=${this.open} aria-controls="filters" aria-label=${t('gallery.filters')} title=${t('gallery.filters')}
          @click=${() => { this.open = !this.open; }}>${icon('filter')}${active ? html`<span class="number">${active}</span>` : nothing}</button>
        <button class="quiet pick" aria-pressed=${picked.value.on} aria-label=${t('gallery.select')} title=${t('gallery.select')}
          @click=${() => (picked.value.on ? unpick() : picked.set({ on: true }))}>${icon('select')}<span>${t('gallery.select')}</span></button>
      </div>
      <div id="filters" class="card filters" ?hidden=${!this.open}>
        ${this.choice('model', this.modelNames())}
        ${this.choice('upstream', choices.value.upstreams.map((one) => one.name))}
        ${this.choice('ratio', RATIOS)}
        ${this.choice('size', SIZES)}
        ${this.choice('outcome', OUTCOMES, (state) => t(`step.${state}`))}
        ${this.day('since')}${this.day('until')}
        <button class="quiet end" ?disabled=${!active} @click=${() => this.look({ ...NO_FILTER, query: filter.query })}>${t('gallery.no-filter')}</button>
      </div>`;
  }

  modelNames() {
    const all = choices.value.upstreams.flatMap((one) => one.models.map((model) => model.id));
    return [...new Set(all)].sort();
  }

  /** @param {string} name @param {string[]} values */
  choice(name, values, says = (/** @type {string} */ value) => value) {
    const now = gallery.value.filter[name];
    return html`<label>${t(`filter.${name}`)}
      <select .value=${live(now)} @change=${(/** @type {any} */ event) => this.look({ [name]: event.target.value })}>
        <option value="">${t('filter.any')}</option>
        ${values.map((value) => html`<option value=${value} ?selected=${value === now}>${says(value)}</option>`)}
      </select></label>`;
  }

  /** Whether only those are shown. @param {'favourite' | 'trash'} name @param {any} sign */
  only(name, sign) {
    const on = Boolean(gallery.value.filter[name]);
    const word = t(`filter.${name}`);
    return html`<button class="quiet icon" aria-pressed=${on} aria-label=${word} title=${word}
      @click=${() => this.look({ [name]: on ? '' : 'true' })}>${icon(sign, on)}</button>`;
  }

  /** @param {'since' | 'until'} name */
  day(name) {
    return html`<label>${t(`filter.${name}`)}
      <input type="date" .value=${live(gallery.value.filter[name])} @change=${(/** @type {any} */ event) => this.look({ [name]: event.target.value })} /></label>`;
  }

  /** @param {any} event */
  typed(event) {
    clearTimeout(this.timer);
    const query = event.target.value;
    this.timer = setTimeout(() => this.look({ query }), TYPING_MS);
  }

  /** @param {Partial<typeof NO_FILTER>} change */
  look(change) {
    lookFor(change).catch(complain);
  }
}

customElements.define('gallery-tools', GalleryTools);
