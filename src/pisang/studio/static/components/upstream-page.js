/** The upstreams: added, tested and taken away by admins. Their keys go in, and never come out. */
import { css, html, nothing } from '../vendor/lit.js';
import { call, get, post } from '../api.js';
import { t } from '../i18n/index.js';
import { readChoices } from '../state/choices.js';
import { complain } from '../state/toasts.js';
import { icon } from '../styles/icons.js';
import { page } from '../styles/page.js';
import { StudioElement } from './element.js';
import { ask, formFacts } from './forms.js';

const PRESETS = ['google', 'ikuncode', 'crawl', 'openrouter', 'openai-compatible', 'pisang'];
const WIRES = ['gemini', 'crawl', 'openai-images', 'openai-chat'];
const AUTHS = ['bearer', 'x-goog-api-key', 'query', 'none'];
const STANDING_CHIPS = { open: 'good', probe: 'warn', ejected: 'bad' };

class UpstreamPage extends StudioElement {
  static properties = { list: { state: true }, tests: { state: true }, changed: { state: true } };

  static styles = [...StudioElement.styles, page, css`
    .list { display: grid; gap: var(--space-3); }
    .title { display: flex; flex-wrap: wrap; align-items: center; gap: var(--space-2); }
    .title h2 { margin-right: var(--space-1); }
    .note { margin-top: var(--space-3); }
  `];

  constructor() {
    super();
    this.list = null;
    /** What the tests showed, by name. @type {Record<string, any>} */
    this.tests = {};
    /** The one that is changed; null: one is added. */
    this.changed = null;
  }

  connectedCallback() {
    super.connectedCallback();
    this.read().catch(complain);
  }

  async read() {
    this.list = (await get('/upstreams')).upstreams;
  }

  render() {
    return html`<div class="page">
      <header><h1>${t('page.upstreams')}</h1><button class="primary" @click=${() => this.open(null)}>${icon('plus')}${t('upstream.new')}</button></header>
      <div class="list">${(this.list ?? []).map((/** @type {any} */ one) => this.upstream(one))}</div>
      ${this.list && !this.list.length ? html`<p class="card soft">${t('upstream.none')}</p>` : nothing}
      ${this.form()}
    </div>`;
  }

  /** @param {any} one */
  upstream(one) {
    return html`<article class="card">
      <div class="title"><h2>${one.name}</h2>
        ${one.default ? html`<span class="chip">${t('upstream.default')}</span>` : nothing}
        <span class="chip ${STANDING_CHIPS[one.standing]}">${t(`standing.${one.standing}`)}</span><span class="grow"></span>
        <button ?disabled=${this.tests[one.name] === 'running'} @click=${() => this.test(one.name)}>${t('upstream.test')}</button>
        <button class="quiet" @click=${() => this.open(one)}>${t('upstream.change')}</button>
        <button class="quiet danger icon" aria-label=${t('upstream.remove', { name: one.name })} title=${t('upstream.remove', { name: one.name })} @click=${() => this.forget(one)}>${icon('trash')}</button>
      </div>
      <p class="small soft">${[one.preset, one.wire, one.base_url].filter(Boolean).join(' · ')}</p>
      <p class="small soft">${one.key ? t('upstream.key-end', { end: one.key }) : t('upstream.no-key')}${one.models.length ? ` · ${one.models.join(', ')}` : ''}</p>
      <div role="status">${this.tested(this.tests[one.name])}</div>
    </article>`;
  }

  /** @param {any} told */
  tested(told) {
    if (!told || told === 'running') return told ? html`<p class="note">${t('upstream.testing')}</p>` : nothing;
    if (!told.ok) return html`<p class="note bad">${told.error?.message}</p>`;
    return html`<p class="note good">${t(told.key_tested ? 'upstream.good' : 'upstream.reached', { time: `${told.elapsed_ms} ms`, count: told.models.length })}</p>`;
  }

  form() {
    const one = this.changed;
    const choice = (/** @type {string} */ name, /** @type {string[]} */ values) => html`<label>${t(`upstream.${name}`)}
      <select name=${name}><option value="">–</option>${values.map((value) => html`<option ?selected=${one?.[name] === value}>${value}</option>`)}</select></label>`;
    return html`<dialog aria-labelledby="form-title"><form @submit=${this.save}>
      <h2 id="form-title">${one ? one.name : t('upstream.new')}</h2>
      <div class="form">
        ${one ? nothing : html`<label>${t('upstream.name')}<input name="name" required pattern="[a-z0-9][a-z0-9_.\\-]*" maxlength="40" autocomplete="off" /></label>`}
        ${choice('preset', PRESETS)} ${choice('wire', WIRES)} ${choice('auth', AUTHS)}
        <label class="whole">${t('upstream.base_url')}<input name="base_url" type="url" placeholder="https://…" .value=${one?.base_url ?? ''} autocomplete="off" /></label>
        <label class="whole">${t('upstream.key')}<input name="key" type="password" autocomplete="new-password" placeholder=${one?.key ? t('upstream.key-kept', { end: one.key }) : ''} /></label>
      </div>
      <div class="ends"><button type="button" class="quiet" @click=${() => this.sheet.close()}>${t('form.cancel')}</button><button class="primary">${t('form.save')}</button></div>
    </form></dialog>`;
  }

  get sheet() {
    return /** @type {HTMLDialogElement} */ (this.renderRoot.querySelector('dialog'));
  }

  /** @param {any} one */
  async open(one) {
    this.changed = one;
    await this.updateComplete;
    /** @type {HTMLInputElement} */ (this.renderRoot.querySelector('[name=key]')).value = '';
    this.sheet.showModal();
  }

  /** @param {SubmitEvent} event */
  async save(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const { name = this.changed?.name, ...facts } = formFacts(event);
    const changed = Object.fromEntries(Object.entries(facts).filter(([field, value]) => value !== this.changed?.[field]));
    try {
      await call(this.changed ? 'PATCH' : 'PUT', `/upstreams/${name}`, { body: changed });
      form.reset();
      this.sheet.close();
      await this.read();
      await readChoices();
    } catch (error) {
      complain(error);
    }
  }

  /** @param {string} name */
  async test(name) {
    this.tests = { ...this.tests, [name]: 'running' };
    const told = await post(`/upstreams/${name}/test`).catch((error) => ({ ok: false, error }));
    this.tests = { ...this.tests, [name]: told };
  }

  /** @param {any} one */
  async forget(one) {
    if (!(await ask(this, t('upstream.remove-ask', { name: one.name }), t('upstream.remove-verb')))) return;
    try {
      await call('DELETE', `/upstreams/${one.name}`);
      await this.read();
      await readChoices();
    } catch (error) {
      complain(error);
    }
  }
}

customElements.define('upstream-page', UpstreamPage);
