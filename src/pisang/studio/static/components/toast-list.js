/** The short words at the edge of the page. */
import { css, html, nothing, repeat } from '../vendor/lit.js';
import { t } from '../i18n/index.js';
import { Watch } from '../state/store.js';
import { dismiss, toasts } from '../state/toasts.js';
import { icon } from '../styles/icons.js';
import { StudioElement } from './element.js';

class ToastList extends StudioElement {
  static styles = [
    ...StudioElement.styles,
    css`
      :host { position: fixed; right: var(--space-4); bottom: var(--space-4); z-index: 20; width: min(24rem, calc(100vw - 2rem)); border: 0; padding: 0; margin: 0; inset: auto var(--space-4) var(--space-4) auto; background: none; overflow: visible; }
      ul { display: grid; gap: var(--space-2); }
      li { display: flex; align-items: center; gap: var(--space-2); padding: var(--space-2) var(--space-2) var(--space-2) var(--space-4);
        border-radius: var(--radius-m); background: light-dark(#262420, #f3f0e8); color: light-dark(#fff, #1d1b16); box-shadow: var(--shadow-2); font-size: var(--text-s); }
      li.bad { background: var(--bad-soft); color: var(--bad); }
      li span { flex: 1; overflow-wrap: anywhere; }
      li button { color: inherit; background: transparent; border-color: transparent; }
      li button:hover { background: #8883; color: inherit; }
      li .act { font-weight: 700; text-decoration: underline; text-underline-offset: 0.2em; }
      @media (max-width: 56rem) { :host { bottom: 4.5rem; } }
    `,
  ];

  constructor() {
    super();
    new Watch(this, toasts);
  }

  connectedCallback() {
    super.connectedCallback();
    this.popover = 'manual';
  }

  /** Over whatever is open: a dialog lies above all that came before it. */
  updated() {
    const any = toasts.value.list.length > 0;
    if (this.matches(':popover-open')) this.hidePopover();
    if (any) this.showPopover();
  }

  render() {
    return html`<ul role="status" aria-live="polite">${repeat(toasts.value.list, (one) => one.id, (one) => html`
      <li class=${one.kind}><span>${one.text}</span>
        ${one.action ? html`<button class="act" @click=${() => { dismiss(one.id); one.action?.run(); }}>${one.action.label}</button>` : nothing}
        <button class="icon" aria-label=${t('toast.dismiss')} @click=${() => dismiss(one.id)}>${icon('close')}</button>
      </li>`)}</ul>`;
  }
}

customElements.define('toast-list', ToastList);
