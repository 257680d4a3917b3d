/** One request on its way: where each of its images is, what it may cost, and what can be done. */
import { css, html, nothing } from '../vendor/lit.js';
import { bytesText, costText, moneyText, secondsText, tookText } from '../format.js';
import { t } from '../i18n/index.js';
import { previewUrl } from '../state/previews.js';
import { buyAgain, cancel, decide, dismissEntry, submit } from '../state/queue.js';
import { complain, say } from '../state/toasts.js';
import { rememberPrompt } from '../state/wish.js';
import { icon } from '../styles/icons.js';
import { StudioElement } from './element.js';

const TICK_MS = 500;

class QueueCard extends StudioElement {
  static properties = { entry: { attribute: false }, listed: { type: Boolean }, busy: { state: true } };

  static styles = [
    ...StudioElement.styles,
    css`
      article { padding: var(--space-3); display: flex; flex-direction: column; gap: var(--space-2); height: 100%; }
      .prompt { display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; overflow: hidden; overflow-wrap: anywhere; font-weight: 500; }
      .top { display: flex; gap: var(--space-2); align-items: flex-start; }
      .top .prompt { flex: 1; }
      .top button { margin: -0.25rem -0.25rem 0 0; }
      .step { display: flex; justify-content: space-between; gap: var(--space-2); font-size: var(--text-s); color: var(--ink-soft); }
      .thumbs { display: flex; gap: var(--space-2); }
      .thumbs button { padding: 0; border: 0; width: 4rem; height: 4rem; min-height: 0; overflow: hidden; border-radius: var(--radius-m); background: var(--sunken); }
      .thumbs img { width: 100%; height: 100%; object-fit: cover; display: block; }
      .foot { display: flex; flex-wrap: wrap; gap: var(--space-2); align-items: center; margin-top: auto; font-size: var(--text-s); color: var(--ink-soft); }
      :host { height: 100%; }
      .note { max-height: calc(7.5em + 1rem); overflow: auto; }
    `,
  ];

  constructor() {
    super();
    this.busy = false;
    /** Whether it stands in a list of its own, from which nothing is taken away. */
    this.listed = false;
    this.timer = 0;
  }

  connectedCallback() {
    super.connectedCallback();
    this.timer = setInterval(() => this.entry?.underWay && this.requestUpdate(), TICK_MS);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this.timer);
  }

  render() {
    const { entry } = this;
    return html`<article class="card" aria-busy=${entry.underWay}>
      <div class="top">
        <p class="prompt">${entry.prompt}</p>
        ${entry.underWay || this.listed ? nothing : html`<button class="quiet icon" aria-label=${t('queue.dismiss')} @click=${() => dismissEntry(entry.key)}>${icon('close')}</button>`}
      </div>
      ${entry.underWay ? this.running() : this.over()}
    </article>`;
  }

  running() {
    const { entry } = this;
    const steps = [...entry.steps.values()];
    const waiting = !steps.some((step) => step.sentAt);
    return html`
      ${steps.length ? steps.map((step) => this.step(step)) : html`<p class="step">${t(entry.id ? 'step.begun' : 'step.sending')}</p><progress aria-label=${t('step.begun')}></progress>`}
      <div class="foot">
        <span>${[entry.model, entry.upstream].filter(Boolean).join(' · ')}</span><span class="grow"></span>
        ${waiting && entry.id
          ? html`<button class="quiet" ?disabled=${this.busy} @click=${this.cancel}>${t('queue.cancel')}</button>`
          : nothing}
      </div>`;
  }

  /** @param {import('../state/queue.js').Step} step */
  step(step) {
    const elapsed_s = step.sentAt ? (Date.now() - step.sentAt) / 1000 : 0;
    const usual = step.usual_s ?? step.limit_s;
    const part = step.kind === 'kept' || step.kind === 'done' ? 1 : step.sentAt && usual ? Math.min(elapsed_s / usual, 0.97) : 0;
    const word = t(`step.${step.kind}`, { place: step.place ?? '?', bytes: bytesText(step.bytes) });
    return html`
      <p class="step"><span>${word}${step.kind === 'queued' && step.message ? html` <span class="faint">${step.message}</span>` : nothing}</span>
        <span class="number">${step.sentAt ? this.pace(elapsed_s, step) : nothing}</span></p>
      <progress max="1" value=${part} aria-label=${word}></progress>`;
  }

  /** @param {number} elapsed_s @param {import('../state/queue.js').Step} step */
  pace(elapsed_s, step) {
    const now = secondsText(elapsed_s);
    if (step.usual_s) return t('step.usual', { now, usual: secondsText(step.usual_s) });
    return step.limit_s ? t('step.at-most', { now, limit: secondsText(step.limit_s) }) : now;
  }

  over() {
    const { entry } = this;
    const images = entry.result?.images ?? [];
    const unknown = entry.attempts.filter((/** @type {any} */ one) => one.state === 'unknown');
    const failures = entry.error ? [entry.error] : entry.result?.failures ?? [];
    return html`
      ${images.length ? this.thumbs(images) : nothing}
      ${unknown.length ? unknown.map((/** @type {any} */ one) => this.unknown(one)) : failures.map((/** @type {any} */ one) => html`<p class="note bad" role="alert">${one.message}</p>`)}
      ${(entry.result?.warnings ?? []).map((/** @type {any} */ one) => html`<p class="note warn">${one.message}</p>`)}
      <div class="foot">
        ${images.length ? html`<span class="chip good">${t('queue.done')}</span>` : nothing}
        <span class="number">${this.bill()}</span>
        <span class="grow"></span>
        ${failures.length && !unknown.length && entry.prompt ? html`<button @click=${this.again}>${t('queue.again')}</button>` : nothing}
      </div>`;
  }

  /** What it came to, and how long it took. */
  bill() {
    const { entry } = this;
    const cost = entry.result?.cost ? costText(entry.result.cost) : entry.error?.charged === 'no' ? t('money.free') : '';
    const ended = Math.max(0, ...entry.attempts.map((/** @type {any} */ one) => one.ended_ms ?? 0));
    return [cost, ended ? tookText((ended - entry.startedAt) / 1000) : ''].filter(Boolean).join(' · ');
  }

  /** @param {any[]} images */
  thumbs(images) {
    return html`<div class="thumbs">${images.map((one, at) => html`<button
      aria-label=${t('queue.open', { place: at + 1 })} @click=${() => this.tell('open-image', { sha256: one.sha256, request_id: this.entry.id })}
    ><img src=${previewUrl(one.sha256)} alt="" /></button>`)}</div>`;
  }

  /** @param {any} attempt */
  unknown(attempt) {
    const { at_stake: amount, currency } = this.entry.result?.cost ?? {};
    const stake = amount ? moneyText(amount, currency) : '';
    return html`
      <p class="note warn" role="alert"><strong>${stake ? t('unknown.stake', { amount: stake }) : t('unknown.title')}</strong> ${attempt.message}</p>
      <div class="row wrap">
        <button ?disabled=${this.busy} @click=${() => this.run(() => this.lookAgain(attempt.id))}>${icon('look')}${t('unknown.look')}</button>
        <button ?disabled=${this.busy} @click=${() => this.run(() => buyAgain(attempt.id, this.entry))}>${icon('remix')}${t('unknown.rebuy')}</button>
        <button class="danger" ?disabled=${this.busy} @click=${() => this.run(() => decide(attempt.id, 'write-off', this.entry))}>${t('unknown.write-off')}</button>
      </div>`;
  }

  /** @param {string} attempt */
  async lookAgain(attempt) {
    const told = await decide(attempt, 'look', this.entry);
    say(told.images?.length ? t('unknown.found') : told.tried || told.billing?.why || t('unknown.still'));
  }

  cancel() {
    void this.run(async () => {
      if (!(await cancel(this.entry))) say(t('queue.too-late'));
    });
  }

  again() {
    const { entry } = this;
    rememberPrompt(entry.prompt);
    dismissEntry(entry.key);
    void submit(entry.asked ?? { prompt: entry.prompt, model: entry.model, via: entry.upstream, n: entry.n });
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

customElements.define('queue-card', QueueCard);
