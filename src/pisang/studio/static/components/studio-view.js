/** The room where one works: the wish on one side, what comes of it on the other. */
import { css, html } from '../vendor/lit.js';
import { StudioElement } from './element.js';
import './image-gallery.js';
import './queue-panel.js';
import './wish-composer.js';

class StudioView extends StudioElement {
  static properties = { part: { reflect: true } };

  static styles = [
    ...StudioElement.styles,
    css`
      :host { height: 100%; display: grid; grid-template: minmax(0, 1fr) / 25rem minmax(0, 1fr); }
      aside { overflow: auto; padding: var(--space-5) var(--space-5) 0; border-right: 1px solid var(--line); scrollbar-width: thin; }
      .scroller { overflow: auto; padding: var(--space-3) var(--space-5) var(--space-5); overflow-anchor: none; }
      queue-panel { margin-bottom: var(--space-4); }
      aside queue-panel { display: none; }
      @media (max-width: 56rem) {
        :host { grid-template: minmax(0, 1fr) / 1fr; }
        aside, .scroller { border: 0; padding: var(--space-4) var(--space-4) 0; }
        .scroller { padding-top: var(--space-2); padding-bottom: var(--space-4); }
        aside queue-panel:not([hidden]) { display: block; }
        .scroller queue-panel { display: none; }
        :host([part='create']) .scroller, :host([part='gallery']) aside { display: none; }
      }
    `,
  ];

  firstUpdated() {
    /** @type {any} */ (this.renderRoot.querySelector('image-gallery')).scroller = this.renderRoot.querySelector('.scroller');
  }

  focusPrompt() {
    /** @type {any} */ (this.renderRoot.querySelector('wish-composer')).focusPrompt();
  }

  focusSearch() {
    const tools = this.renderRoot.querySelector('image-gallery')?.shadowRoot?.querySelector('gallery-tools');
    /** @type {any} */ (tools)?.focusSearch();
  }

  /** On a phone what comes of it is below what was asked: it is brought into view. */
  async sent() {
    await new Promise(requestAnimationFrame);
    const panel = this.renderRoot.querySelector('aside queue-panel');
    if (panel?.checkVisibility()) panel.scrollIntoView({ block: 'start', behavior: 'smooth' });
  }

  render() {
    return html`
      <aside><wish-composer @wish-sent=${this.sent}></wish-composer><queue-panel></queue-panel></aside>
      <div class="scroller" tabindex="-1"><queue-panel></queue-panel><image-gallery></image-gallery></div>`;
  }
}

customElements.define('studio-view', StudioView);
