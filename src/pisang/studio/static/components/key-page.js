/** Keys and teams: who may ask, for how much. A key's text is shown once, when it is made. */
import { css, html, nothing } from '../vendor/lit.js';
import { call, get, post } from '../api.js';
import { moneyText } from '../format.js';
import { locale, t } from '../i18n/index.js';
import { complain, say } from '../state/toasts.js';
import { icon } from '../styles/icons.js';
import { page } from '../styles/page.js';
import { StudioElement } from './element.js';
import { ask, formFacts } from './forms.js';

const STATE_CHIPS = { live: 'good', expired: 'warn', revoked: '' };

class KeyPage extends StudioElement {
  static properties = { keys: { state: true }, teams: { state: true }, made: { state: true }, revoked: { state: true } };

  static styles = [...StudioElement.styles, page, css`.name { font-weight: 600; }`];

  constructor() {
    super();
    this.keys = null;
    this.teams = [];
    this.made = null;
    /** Whether those that are over are shown too. */
    this.revoked = false;
  }

  connectedCallback() {
    super.connectedCallback();
    this.read().catch(complain);
  }

  async read() {
    const [{ keys }, { teams }] = await Promise.all([get('/keys'), get('/teams')]);
    this.keys = keys;
    this.teams = teams;
  }

  render() {
    const keys = (this.keys ?? []).filter((/** @type {any} */ one) => this.revoked || one.state === 'live');
    return html`<div class="page">
      <header><h1>${t('page.keys')}</h1>
        <button class="quiet" aria-pressed=${this.revoked} @click=${() => { this.revoked = !this.revoked; }}>${t('key-page.revoked')}</button>
        <button class="primary" @click=${() => this.open('#new-key')}>${icon('plus')}${t('key-page.new')}</button>
      </header>
      ${this.made ? this.shown() : nothing}
      <section class="card"><div class="wide" tabindex="0" role="region" aria-label=${t('page.keys')}><table>
        <thead><tr><th>${t('key-page.name')}</th><th>${t('key-page.role')}</th><th>${t('key-page.team')}</th><th>${t('key-page.limits')}</th><th class="number">${t('key-page.month')}</th><th></th></tr></thead>
        <tbody>${keys.map((/** @type {any} */ one) => this.key(one))}</tbody>
      </table></div>
      ${this.keys && !keys.length ? html`<p class="soft">${t('key-page.none')}</p>` : nothing}</section>
      <header class="row"><h2 class="grow">${t('key-page.teams')}</h2><button @click=${() => this.open('#new-team')}>${icon('plus')}${t('key-page.new-team')}</button></header>
      ${this.teams.length ? html`<section class="card"><div class="wide" tabindex="0" role="region" aria-label=${t('key-page.teams')}><table>
        <thead><tr><th>${t('key-page.name')}</th><th>${t('page.keys')}</th><th>${t('key-page.limits')}</th><th></th></tr></thead>
        <tbody>${this.teams.map((/** @type {any} */ one) => this.team(one))}</tbody></table></div></section>` : nothing}
      ${this.newKey()}${this.newTeam()}
    </div>`;
  }

  /** @param {any} key */
  key(key) {
    const expires = key.expires_at ? new Date(key.expires_at).toLocaleDateString(locale()) : '';
    const limits = [
      ...key.models, key.max_size ? t('key-page.up-to', { size: key.max_size }) : '', key.rpm ? t('key-page.rpm', { count: key.rpm }) : '',
      ...key.budgets.map(budgetText), expires ? t('key-page.until', { day: expires }) : '',
    ].filter(Boolean);
    const spent = key.this_month.map((/** @type {any} */ one) => moneyText(one.spent, one.currency)).join(', ');
    return html`<tr class=${key.state === 'live' ? '' : 'gone'}>
      <td><span class="name">${key.name}</span> ${key.state === 'live' ? nothing : html`<span class="chip ${STATE_CHIPS[key.state]}">${t(`key-page.${key.state}`)}</span>`}<br><code class="faint">${key.id}</code></td>
      <td>${t(`role.${key.role}`)}</td><td>${key.team ?? '–'}</td><td>${limits.join(' · ') || '–'}</td><td class="number">${spent || '–'}</td>
      <td class="acts">${key.state === 'live' && !key.declared
        ? html`<button class="quiet danger" aria-label=${t('key-page.revoke-of', { name: key.name })} @click=${() => this.revoke(key)}>${t('key-page.revoke')}</button>`
        : nothing}</td>
    </tr>`;
  }

  /** @param {any} team */
  team(team) {
    return html`<tr><td class="name">${team.name}</td><td>${team.keys.map((/** @type {any} */ one) => one.name).join(', ') || '–'}</td>
      <td>${team.budgets.map(budgetText).join(' · ') || '–'}</td>
      <td class="acts">${team.declared ? nothing : html`<button class="quiet danger" aria-label=${t('key-page.delete-of', { name: team.name })} @click=${() => this.deleteTeam(team)}>${t('key-page.delete')}</button>`}</td></tr>`;
  }

  shown() {
    return html`<section class="card" role="status">
      <h2>${t('key-page.made', { name: this.made.name })}</h2><p class="soft small">${t('key-page.once')}</p>
      <div class="secret"><code>${this.made.key}</code>
        <button @click=${() => navigator.clipboard.writeText(this.made.key).then(() => say(t('viewer.copied')), complain)}>${icon('copy')}${t('key-page.copy')}</button>
        <button class="quiet icon" aria-label=${t('toast.dismiss')} @click=${() => { this.made = null; }}>${icon('close')}</button></div>
    </section>`;
  }

  newKey() {
    return html`<dialog id="new-key" aria-labelledby="new-key-title"><form @submit=${this.makeKey}>
      <h2 id="new-key-title">${t('key-page.new')}</h2>
      <div class="form">
        <label class="whole">${t('key-page.name')}<input name="name" required maxlength="80" autocomplete="off" /></label>
        <label>${t('key-page.role')}<select name="role">${['use', 'read', 'admin'].map((one) => html`<option value=${one}>${t(`role.${one}`)}</option>`)}</select></label>
        <label>${t('key-page.team')}<select name="team"><option value="">–</option>${this.teams.map((/** @type {any} */ one) => html`<option>${one.name}</option>`)}</select></label>
        <label>${t('key-page.budget')}<input name="month" placeholder="50USD" autocomplete="off" /></label>
        <label>${t('key-page.expires')}<input name="expires" placeholder="90d" autocomplete="off" /></label>
        <label>${t('key-page.max-size')}<select name="max_size"><option value="">–</option><option>1K</option><option>2K</option></select></label>
        <label>${t('key-page.rpm-label')}<input name="rpm" type="number" min="1" /></label>
      </div>
      ${this.ends(t('key-page.make'))}
    </form></dialog>`;
  }

  newTeam() {
    return html`<dialog id="new-team" aria-labelledby="new-team-title"><form @submit=${this.makeTeam}>
      <h2 id="new-team-title">${t('key-page.new-team')}</h2>
      <div class="form">
        <label>${t('key-page.name')}<input name="name" required maxlength="80" autocomplete="off" /></label>
        <label>${t('key-page.budget')}<input name="month" placeholder="200USD" autocomplete="off" /></label>
      </div>
      ${this.ends(t('key-page.make'))}
    </form></dialog>`;
  }

  /** @param {string} verb */
  ends(verb) {
    return html`<div class="ends"><button type="button" class="quiet" @click=${(/** @type {any} */ event) => event.target.closest('dialog').close()}>${t('form.cancel')}</button><button class="primary">${verb}</button></div>`;
  }

  /** @param {string} id */
  open(id) {
    /** @type {HTMLDialogElement} */ (this.renderRoot.querySelector(id)).showModal();
  }

  /** @param {SubmitEvent} event */
  async makeKey(event) {
    const { month, rpm, ...facts } = formFacts(event);
    const wish = { ...facts, ...(month ? { budgets: { month } } : {}), ...(rpm ? { rpm: Number(rpm) } : {}) };
    await this.save(event, async () => { this.made = await post('/keys', wish); });
  }

  /** @param {SubmitEvent} event */
  async makeTeam(event) {
    const { name, month } = formFacts(event);
    await this.save(event, () => call('PUT', `/teams/${encodeURIComponent(name)}`, { body: month ? { budgets: { month } } : {} }));
  }

  /** @param {SubmitEvent} event @param {() => Promise<any>} work */
  async save(event, work) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    try {
      await work();
      form.reset();
      form.closest('dialog')?.close();
      await this.read();
    } catch (error) {
      complain(error);
    }
  }

  /** @param {any} key */
  async revoke(key) {
    if (await ask(this, t('key-page.revoke-ask', { name: key.name }), t('key-page.revoke'))) await this.change(`/keys/${key.id}`);
  }

  /** @param {any} team */
  async deleteTeam(team) {
    if (await ask(this, t('key-page.delete-ask', { name: team.name }), t('key-page.delete'))) await this.change(`/teams/${encodeURIComponent(team.name)}`);
  }

  /** @param {string} path */
  async change(path) {
    await call('DELETE', path).then(() => this.read()).catch(complain);
  }
}

/** @param {any} budget */
const budgetText = (budget) => t(`budget.${budget.period}`, { spent: moneyText(budget.spent, ''), cap: moneyText(budget.cap, budget.currency) });

customElements.define('key-page', KeyPage);
