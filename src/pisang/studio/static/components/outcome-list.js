/** Requests that ended without an image, by how: each with what its upstream said, and what can be done. */
import { css, html, nothing, repeat } from '../vendor/lit.js';
import { get } from '../api.js';
import { t } from '../i18n/index.js';
import { readEntry } from '../state/queue.js';
import { complain } from '../state/toasts.js';
import { StudioElement } from './element.js';
import './queue-card.js';

const PAGE = 24;

class OutcomeList extends StudioElement {
  static properties = { state: {}, entries: { state: true }, next: { state: true } };

  static styles = [...StudioElement.styles, css`
    ul { display: grid; gap: var(--space-3); grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); }
    p, .more { margin: var(--space-5) auto; text-align: center; display: block; }
  `];

  constructor() {
    super();
    this.state = '';
    /** @type {any[] | null} */
    this.entries = null;
    /** @type {string | null} */
    this.next = null;
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has('state')) this.read(null).catch(complain);
  }

  /** @param {string | null} before */
  async read(before) {
    const { state } = this;
    const page = await get('/requests', { state, limit: PAGE, before });
    const read = await Promise.all(page.requests.map((/** @type {any} */ row) => readEntry(row.id)));
    if (state !== this.state) return;
    this.entries = before ? [...(this.entries ?? []), ...read] : read;
    this.next = page.next;
  }

  render() {
    if (!this.entries) return nothing;
    if (!this.entries.length) return html`<p class="soft">${t('gallery.none-found')}</p>`;
    return html`<ul>${repeat(this.entries, (one) => one.key, (one) => html`<li><queue-card .entry=${one} listed></queue-card></li>`)}</ul>
      ${this.next ? html`<button class="more" @click=${() => this.read(this.next).catch(complain)}>${t('gallery.older')}</button>` : nothing}`;
  }
}

customElements.define('outcome-list', OutcomeList);
