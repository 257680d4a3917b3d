/** One batch as it goes: row by row what came, what it cost, and what can be done about the rest. */
import { css, html, nothing, repeat } from '../vendor/lit.js';
import { costText } from '../format.js';
import { t } from '../i18n/index.js';
import { endedOf, follow, leave, readMoreRows, readRows, shown, standingOf, steer } from '../state/batches.js';
import { previewUrl } from '../state/previews.js';
import { mayUse } from '../state/session.js';
import { Watch } from '../state/store.js';
import { complain } from '../state/toasts.js';
import { icon } from '../styles/icons.js';
import { page } from '../styles/page.js';
import { StudioElement } from './element.js';
import { ask } from './forms.js';

const STATES = ['', 'done', 'failed', 'refused', 'unknown', 'planned'];
const CHIPS = { done: 'good', failed: 'bad', refused: 'bad', unknown: 'warn' };

class BatchRows extends StudioElement {
  static properties = { batch: {}, busy: { state: true } };

  static styles = [...StudioElement.styles, page, css`
    select { width: auto; }
    .thumbs { display: flex; gap: var(--space-1); }
    .thumbs a { display: block; width: 3rem; height: 3rem; border-radius: var(--radius-m); overflow: hidden; background: var(--sunken); }
    .thumbs img { width: 100%; height: 100%; object-fit: cover; display: block; }
    td.prompt { max-width: 28rem; overflow-wrap: anywhere; }
    td .note { margin-top: var(--space-1); }
    .facts { display: flex; flex-wrap: wrap; gap: var(--space-4); margin-top: var(--space-2); font-size: var(--text-s); color: var(--ink-soft); }
  `];

  constructor() {
    super();
    this.batch = '';
    this.busy = false;
    new Watch(this, shown);
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has('batch')) follow(this.batch).catch(complain);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    leave();
  }

  render() {
    const { batch, rows, next, only } = shown.value;
    if (!batch || batch.id !== this.batch) return nothing;
    return html`<div class="page">
      <header><a class="button quiet icon" href="#/batch" aria-label=${t('batch.back')} title=${t('batch.back')}>${icon('left')}</a><h1>${batch.name || batch.id}</h1>${mayUse() ? this.acts(batch) : nothing}</header>
      <section class="card"><progress max=${batch.rows.total || 1} value=${endedOf(batch)} aria-label=${t('batch.progress')}></progress>
        <p class="facts number" role="status"><span>${standingOf(batch)}</span><span>${batch.cost.spent.join(' + ') || nothing}</span>
          ${batch.cost.at_stake.length ? html`<span>${t('costs.at-stake')}: ${batch.cost.at_stake.join(' + ')}</span>` : nothing}
          ${batch.cost.play_money.length ? html`<span>${t('money.play')}</span>` : nothing}</p></section>
      <section class="card">
        <label class="row">${t('filter.outcome')}<select .value=${only} @change=${(/** @type {any} */ event) => readRows(event.target.value).catch(complain)}>
          ${STATES.map((one) => html`<option value=${one} ?selected=${one === only}>${one ? t(`row.${one}`) : t('filter.any')}</option>`)}</select></label>
        <div class="wide" tabindex="0" role="region" aria-label=${t('batch.rows')}><table>
          <thead><tr><th class="number">#</th><th>${t('gallery.title')}</th><th>${t('composer.prompt')}</th><th>${t('filter.outcome')}</th><th class="number">${t('info.cost')}</th></tr></thead>
          <tbody>${repeat(rows, (one) => one.row, (one) => this.row(one))}</tbody></table></div>
        ${next === null ? nothing : html`<button class="quiet" @click=${() => readMoreRows().catch(complain)}>${t('batch.more')}</button>`}
      </section></div>`;
  }

  /** @param {import('../state/batches.js').Batch} batch */
  acts(batch) {
    const { failed = 0, refused = 0, unknown = 0 } = batch.rows.states;
    const act = (/** @type {string} */ word, /** @type {() => Promise<any>} */ work, kind = '') =>
      html`<button class=${kind} ?disabled=${this.busy} @click=${() => this.run(work)}>${word}</button>`;
    return html`
      ${failed + refused ? act(t('batch.retry'), () => steer(batch.id, 'retry')) : nothing}
      ${unknown ? act(t('batch.rebuy'), () => this.rebuy(batch), 'danger') : nothing}
      ${batch.state === 'cancelled' ? act(t('batch.resume'), () => steer(batch.id, 'resume')) : nothing}
      ${batch.over || batch.state === 'cancelled' ? nothing : act(t('batch.cancel'), () => steer(batch.id, 'cancel'), 'danger')}`;
  }

  /** @param {import('../state/batches.js').Batch} batch */
  async rebuy(batch) {
    const stake = batch.cost.at_stake.join(' + ') || t('money.unknown');
    if (await ask(this, t('batch.rebuy-ask', { amount: stake }), t('batch.rebuy'))) await steer(batch.id, 'retry', { unknown: true });
  }

  /** @param {any} one */
  row(one) {
    return html`<tr><td class="number faint">${one.row}</td>
      <td><div class="thumbs">${one.images.map((/** @type {any} */ image) => html`<a href="#/image/${one.request_id}/${image.sha256}" aria-label=${t('queue.open', { place: one.row })}><img src=${previewUrl(image.sha256)} alt="" loading="lazy" /></a>`)}</div></td>
      <td class="prompt">${one.prompt}${one.error ? html`<p class="note bad">${one.error.message}</p>` : nothing}</td>
      <td><span class="chip ${CHIPS[one.state] ?? ''}">${t(`row.${one.state}`)}</span></td>
      <td class="number">${one.over && (one.images.length || one.cost.amount) ? costText(one.cost) : '–'}</td></tr>`;
  }

  /** @param {() => Promise<any>} work */
  async run(work) {
    this.busy = true;
    try {
      await work();
    } catch (error) {
      complain(error);
    } finally {
      this.busy = false;
    }
  }
}

customElements.define('batch-rows', BatchRows);
