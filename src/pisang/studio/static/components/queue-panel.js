/** What is under way and what waits for a decision, newest first. */
import { css, html, nothing, repeat } from '../vendor/lit.js';
import { connection } from '../events.js';
import { t } from '../i18n/index.js';
import { dismissFinished, queue } from '../state/queue.js';
import { Watch } from '../state/store.js';
import { StudioElement } from './element.js';
import './queue-card.js';

class QueuePanel extends StudioElement {
  static styles = [
    ...StudioElement.styles,
    css`
      header { display: flex; align-items: center; gap: var(--space-3); margin-bottom: var(--space-2); min-height: 2.25rem; }
      ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(21rem, 100%), 1fr)); gap: var(--space-3); }
      .line { display: inline-flex; align-items: center; gap: var(--space-1); }
    `,
  ];

  constructor() {
    super();
    new Watch(this, queue, connection);
  }

  render() {
    const { entries } = queue.value;
    const over = entries.some((one) => !one.underWay && one.state !== 'unknown');
    const running = entries.filter((one) => one.underWay).length;
    this.toggleAttribute('hidden', !entries.length && connection.value.state !== 'lost');
    return html`<section aria-labelledby="title">
      <header>
        <h2 id="title">${t('queue.title')}</h2>
        ${running ? html`<span class="chip number">${t('queue.running', { count: running })}</span>` : nothing}
        ${connection.value.state === 'lost' ? html`<span class="chip warn" role="status">${t('queue.line-lost')}</span>` : nothing}
        <span class="grow"></span>
        ${over ? html`<button class="quiet" @click=${dismissFinished}>${t('queue.clear')}</button>` : nothing}
      </header>
      <ul>${repeat(entries, (one) => one.key, (one) => html`<li><queue-card .entry=${one}></queue-card></li>`)}</ul>
    </section>`;
  }
}

customElements.define('queue-panel', QueuePanel);
