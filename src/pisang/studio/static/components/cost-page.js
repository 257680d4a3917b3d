/** What was spent: by day as a chart, and by whatever else as a table. */
import { css, html, nothing } from '../vendor/lit.js';
import { address, get } from '../api.js';
import { countText, moneyText } from '../format.js';
import { locale, t } from '../i18n/index.js';
import { isAdmin } from '../state/session.js';
import { complain } from '../state/toasts.js';
import { barChart } from '../styles/chart.js';
import { icon } from '../styles/icons.js';
import { page } from '../styles/page.js';
import { StudioElement } from './element.js';

const SPANS = ['7d', '30d', '90d', 'year'];
const DAYS = { '7d': 7, '30d': 30, '90d': 90 };
const LABELS = 5;

class CostPage extends StudioElement {
  static properties = { span: { state: true }, by: { state: true }, days: { state: true }, rows: { state: true } };

  static styles = [...StudioElement.styles, page, css`
    .spans { display: flex; gap: 2px; }
    select { width: auto; min-width: 9rem; }
  `];

  constructor() {
    super();
    this.span = '30d';
    this.by = 'model';
    this.days = null;
    this.rows = null;
    /** What keys are called, by their ids. @type {Map<string, string>} */
    this.names = new Map();
  }

  connectedCallback() {
    super.connectedCallback();
    void this.read();
  }

  async read() {
    try {
      [this.days, this.rows, this.names] = await Promise.all([
        get('/usage', { by: 'day', since: this.span }), get('/usage', { by: this.by, since: this.span }),
        this.by === 'key' ? keyNames() : new Map(),
      ]);
    } catch (error) {
      complain(error);
    }
  }

  render() {
    return html`<div class="page">
      <header><h1>${t('page.costs')}</h1>
        <div class="spans" role="group" aria-label=${t('costs.span')}>
          ${SPANS.map((span) => html`<button class="quiet" aria-pressed=${span === this.span} @click=${() => this.choose({ span })}>${t(`costs.${span}`)}</button>`)}
        </div>
        <a class="button" href=${address('/usage', { by: this.by, since: this.span, format: 'csv' })} download>${icon('download')}CSV</a>
      </header>
      ${this.days ? [this.totals(), this.chart()] : nothing}
      ${this.rows ? this.table() : nothing}
    </div>`;
  }

  /** @param {{span?: string, by?: string}} change */
  choose(change) {
    Object.assign(this, change);
    void this.read();
  }

  totals() {
    const { totals, play_money: play } = this.days;
    const played = play?.images ?? 0;
    return html`<dl class="tiles">
      ${totals.map((/** @type {any} */ one) => html`
        <div class="card tile"><dt class="label">${t('costs.spent')}</dt><dd class="number">${moneyText(one.spent, one.currency)}</dd></div>
        ${Number(one.at_stake) ? html`<div class="card tile"><dt class="label">${t('costs.at-stake')}</dt><dd class="number">${moneyText(one.at_stake, one.currency)}</dd></div>` : nothing}
        <div class="card tile"><dt class="label">${t('costs.images')}</dt><dd class="number">${countText(one.images)}</dd></div>`)}
      ${played ? html`<div class="card tile"><dt class="label">${t('costs.played')}</dt><dd class="number">${countText(played)}</dd></div>` : nothing}
    </dl>`;
  }

  chart() {
    const bars = daysOf(this.days.rows, DAYS[this.span]);
    if (!bars.some((one) => one.value)) return html`<p class="card soft">${t('costs.none')}</p>`;
    return html`<figure class="card">${barChart(bars, t('costs.by-day'))}</figure>`;
  }

  table() {
    const { rows } = this.rows;
    const most = Math.max(...rows.map((/** @type {any} */ one) => Number(one.spent)), 0) || 1;
    const groups = isAdmin() ? ['model', 'upstream', 'key', 'team', 'tag', 'day'] : ['model', 'upstream', 'tag', 'day'];
    return html`<section class="card">
      <div class="row"><label class="row">${t('costs.by')}
        <select .value=${this.by} @change=${(/** @type {any} */ event) => this.choose({ by: event.target.value })}>
          ${groups.map((one) => html`<option value=${one} ?selected=${one === this.by}>${t(`costs.by-${one}`)}</option>`)}
        </select></label></div>
      <div class="wide" tabindex="0" role="region" aria-label=${t('page.costs')}><table>
        <thead><tr><th>${t(`costs.by-${this.by}`)}</th><th></th><th class="number">${t('costs.spent')}</th><th class="number">${t('costs.images')}</th><th class="number">${t('costs.attempts')}</th></tr></thead>
        <tbody>${rows.map((/** @type {any} */ one) => html`<tr>
          <td>${this.names.get(one.name) ?? one.name ?? '–'}${this.names.has(one.name) ? html` <code class="faint">${one.name}</code>` : nothing}</td>
          <td width="30%"><span class="share" .style=${`width:${(Number(one.spent) / most) * 100}%`}></span></td>
          <td class="number">${moneyText(one.spent, one.currency)}</td><td class="number">${countText(one.images)}</td><td class="number">${countText(one.attempts)}</td>
        </tr>`)}</tbody>
      </table></div>
      ${rows.length ? nothing : html`<p class="soft">${t('costs.none')}</p>`}
    </section>`;
  }
}

async function keyNames() {
  const { keys } = await get('/keys');
  return new Map(keys.map((/** @type {any} */ one) => [one.id, one.name]));
}

/**
 * A bar for every day, those without costs too.
 * @param {any[]} rows @param {number | undefined} count
 */
function daysOf(rows, count) {
  const spent = new Map();
  for (const one of rows) spent.set(one.name, [...(spent.get(one.name) ?? []), one]);
  const names = count ? lastDays(count) : [...spent.keys()].sort();
  const labelled = new Set(Array.from({ length: LABELS }, (_, at) => Math.round((at * (names.length - 1)) / (LABELS - 1))));
  return names.map((name, at) => {
    const sums = spent.get(name) ?? [];
    const value = sums.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + Number(one.spent ?? 0), 0);
    const text = sums.map((/** @type {any} */ one) => moneyText(one.spent, one.currency)).join(', ') || '0';
    const day = new Date(`${name}T12:00:00`);
    const label = labelled.has(at) ? day.toLocaleDateString(locale(), { month: 'short', day: 'numeric' }) : '';
    return { name, label, value, text };
  });
}

/** @param {number} count */
function lastDays(count) {
  return Array.from({ length: count }, (_, at) => {
    const day = new Date();
    day.setDate(day.getDate() - (count - 1 - at));
    return [day.getFullYear(), day.getMonth() + 1, day.getDate()].map((one) => String(one).padStart(2, '0')).join('-');
  });
}

customElements.define('cost-page', CostPage);
