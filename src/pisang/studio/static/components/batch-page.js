/** Many wishes at once: a table that is pasted or dropped, its plan and price, then how it goes. */
import { css, html, nothing } from '../vendor/lit.js';
import { countText, momentText } from '../format.js';
import { t } from '../i18n/index.js';
import { batches, begin, endedOf, leave, planOf, readBatches, standingOf } from '../state/batches.js';
import { choices, RATIOS, SIZES } from '../state/choices.js';
import { filesOf } from '../state/pictures.js';
import { go, route } from '../state/route.js';
import { mayUse } from '../state/session.js';
import { Watch } from '../state/store.js';
import { readTable } from '../state/table.js';
import { complain } from '../state/toasts.js';
import { icon } from '../styles/icons.js';
import { page } from '../styles/page.js';
import './batch-rows.js';
import { StudioElement } from './element.js';

const SHOWN_ROWS = 8;

class BatchPage extends StudioElement {
  static properties = { table: { state: true }, plan: { state: true }, problem: { state: true }, busy: { state: true } };

  static styles = [...StudioElement.styles, page, css`
    textarea { min-height: 8rem; font-family: var(--mono); font-size: var(--text-s); resize: vertical; white-space: pre; }
    .drop { display: grid; gap: var(--space-3); }
    .drop.over textarea { border-color: var(--accent); background: var(--accent-soft); }
    td.cell { max-width: 22rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; padding-block: var(--space-1); }
    .problem { white-space: pre-wrap; max-height: 16rem; overflow: auto; }
    .ends { display: flex; flex-wrap: wrap; gap: var(--space-3); align-items: center; }
    .ends .price { font-size: var(--text-m); font-weight: 600; }
    section > h2 { margin-bottom: var(--space-3); }
    form { display: grid; gap: var(--space-4); grid-template-columns: minmax(0, 1fr); }
    td progress { min-width: 8rem; }
  `];

  constructor() {
    super();
    /** @type {import('../state/table.js').Table | null} */
    this.table = null;
    /** @type {any} */
    this.plan = null;
    this.problem = '';
    this.busy = false;
    this.key = '';
    new Watch(this, batches, choices, route);
  }

  connectedCallback() {
    super.connectedCallback();
    readBatches().catch(complain);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    leave();
  }

  render() {
    const [id] = route.value.page === 'batch' ? route.value.rest : [];
    if (id) return html`<batch-rows .batch=${id}></batch-rows>`;
    return html`<div class="page">
      <header><h1>${t('page.batch')}</h1></header>
      ${mayUse() ? this.making() : nothing}
      ${this.begun()}
    </div>`;
  }

  making() {
    return html`<section class="card"><form @submit=${this.submit} @change=${this.forget}>
      <div class="drop" @dragover=${this.hover} @dragleave=${this.hover} @drop=${this.dropped}>
        <label>${t('batch.table')}
          <textarea name="text" spellcheck="false" autocomplete="off" placeholder="prompt,ratio,n&#10;${t('composer.placeholder')},16:9,2" @input=${this.typed}></textarea></label>
        <div class="row wrap"><label class="button">${icon('out')}${t('batch.choose')}<input class="unseen" type="file" accept=".csv,.tsv,.txt,text/csv" @change=${this.chosen} /></label>
          <span class="small faint">${t('batch.how')}</span></div>
      </div>
      ${this.table ? html`${this.preview(this.table)}${this.options()}` : nothing}
      ${this.problem ? html`<p class="note bad problem" role="alert">${this.problem}</p>` : nothing}
      ${this.table ? this.ends() : nothing}
    </form></section>`;
  }

  /** @param {import('../state/table.js').Table} table */
  preview({ headings, rows }) {
    return html`<div class="wide" tabindex="0" role="region" aria-label=${t('batch.table')}><table>
      <thead><tr><th class="number">#</th>${headings.map((one) => html`<th>${one}</th>`)}</tr></thead>
      <tbody>${rows.slice(0, SHOWN_ROWS).map((row, at) => html`<tr><td class="number faint">${at + 2}</td>${row.map((cell) => html`<td class="cell">${cell}</td>`)}</tr>`)}</tbody>
    </table></div>
    ${rows.length > SHOWN_ROWS ? html`<p class="small faint">${t('batch.rest', { count: countText(rows.length - SHOWN_ROWS) })}</p>` : nothing}`;
  }

  options() {
    const { upstreams } = choices.value;
    const models = [...new Set(upstreams.flatMap((one) => one.models.map((model) => model.id)))].sort();
    return html`<div class="form">
      <label>${t('batch.name')}<input name="name" maxlength="200" autocomplete="off" /></label>
      ${this.choice('via', t('composer.upstream'), upstreams.map((one) => one.name))}
      ${this.choice('model', t('composer.model'), models)}
      ${this.choice('aspect_ratio', t('composer.ratio'), RATIOS)}
      ${this.choice('image_size', t('composer.size'), SIZES)}
      <label>${t('batch.concurrency')}<input name="concurrency" type="number" min="1" max="1000" placeholder="–" /></label>
      <label>${t('batch.max-cost')}<input name="max_cost" placeholder="20USD" autocomplete="off" /></label>
    </div>`;
  }

  /** @param {string} name @param {string} label @param {string[]} values */
  choice(name, label, values) {
    return html`<label>${label}<select name=${name}><option value="">${t('batch.as-row')}</option>${values.map((one) => html`<option>${one}</option>`)}</select></label>`;
  }

  ends() {
    const { plan } = this;
    return html`<div class="ends">
      ${plan ? html`<span class="price number" role="status">${t('batch.plan', { count: countText(plan.images), price: priceOf(plan) })}</span>` : nothing}
      <span class="grow"></span>
      <button class="quiet" type="reset" @click=${this.drop}>${t('form.cancel')}</button>
      ${plan
        ? html`<button class="primary" ?disabled=${this.busy}>${icon('send')}${t('batch.run')}</button>`
        : html`<button ?disabled=${this.busy}>${t('batch.check')}</button>`}
    </div>`;
  }

  begun() {
    const { list, next, loaded } = batches.value;
    if (!loaded) return nothing;
    if (!list.length) return html`<p class="soft">${t('batch.none')}</p>`;
    return html`<section class="card"><h2>${t('batch.begun')}</h2><div class="wide" tabindex="0" role="region" aria-label=${t('batch.begun')}><table>
      <thead><tr><th>${t('batch.name')}</th><th>${t('batch.progress')}</th><th class="number">${t('costs.spent')}</th><th>${t('info.when')}</th></tr></thead>
      <tbody>${list.map((one) => html`<tr>
        <td><a href="#/batch/${one.id}">${one.name || one.id}</a></td>
        <td><progress max=${one.rows.total || 1} value=${endedOf(one)} aria-label=${t('batch.progress')}></progress>
          <span class="small number">${standingOf(one)}</span></td>
        <td class="number">${one.cost.spent.join(' + ') || '–'}</td><td>${momentText(one.created_at)}</td></tr>`)}</tbody></table></div>
      ${next ? html`<button class="quiet" @click=${() => readBatches(next).catch(complain)}>${t('gallery.older')}</button>` : nothing}</section>`;
  }

  /** @param {string} text */
  take(text) {
    this.table = readTable(text);
    this.forget();
    this.problem = text.trim() && !this.table ? t('batch.no-table') : '';
  }

  /** Something is another: the plan counts no more. */
  forget() {
    this.plan = null;
    this.problem = '';
  }

  drop() {
    this.table = null;
    this.forget();
  }

  /** @param {any} event */
  typed(event) {
    this.take(event.target.value);
  }

  /** @param {any} event */
  chosen(event) {
    void this.load(event.target.files[0]);
  }

  /** @param {DragEvent} event */
  hover(event) {
    event.preventDefault();
    /** @type {HTMLElement} */ (event.currentTarget).classList.toggle('over', event.type === 'dragover');
  }

  /** @param {DragEvent} event */
  dropped(event) {
    this.hover(event);
    void this.load(filesOf(event.dataTransfer)[0]);
  }

  /** As the command does: UTF-8, or else the Chinese one. @param {File | undefined} file */
  async load(file) {
    if (!file) return;
    const bytes = await file.arrayBuffer();
    let text;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      text = new TextDecoder('gb18030').decode(bytes);
    }
    const area = /** @type {HTMLTextAreaElement} */ (this.renderRoot.querySelector('textarea'));
    area.value = text;
    this.take(text);
    await this.updateComplete;
    const name = /** @type {HTMLInputElement | null} */ (this.renderRoot.querySelector('[name=name]'));
    if (name) name.value = file.name;
  }

  /** The first time it is checked, the second it is run. @param {SubmitEvent} event */
  async submit(event) {
    event.preventDefault();
    const { table } = this;
    if (!table || this.busy) return;
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
    form.delete('text');
    const options = Object.fromEntries([...form].map(([name, value]) => [name, String(value).trim()]));
    this.busy = true;
    try {
      if (!this.plan) {
        this.plan = await planOf(table.text, options);
        this.key = crypto.randomUUID();
      } else {
        go(`batch/${(await begin(table.text, options, this.key)).id}`);
        this.drop();
      }
    } catch (error) {
      this.problem = /** @type {Error} */ (error).message;
    } finally {
      this.busy = false;
    }
  }
}

/** @param {{price: string[], unpriced: number}} plan */
function priceOf({ price, unpriced }) {
  const told = [...price, unpriced ? t('batch.unpriced', { count: countText(unpriced) }) : ''].filter(Boolean);
  return told.join(' + ') || t('money.free');
}

customElements.define('batch-page', BatchPage);
