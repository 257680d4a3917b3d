/** The door: a gateway key, once, for a session kept in a cookie that no script can read. */
import { css, html, nothing } from '../vendor/lit.js';
import { t } from '../i18n/index.js';
import { signIn } from '../state/session.js';
import { mark } from '../styles/icons.js';
import { StudioElement } from './element.js';

class SignIn extends StudioElement {
  static properties = { problem: { state: true }, busy: { state: true } };

  static styles = [
    ...StudioElement.styles,
    css`
      :host { min-height: 100dvh; display: grid; place-items: center; padding: var(--space-4); }
      form { width: min(24rem, 100%); display: flex; flex-direction: column; gap: var(--space-4); }
      .mark { width: 3.5rem; height: 3.5rem; padding: 0.75rem; border-radius: var(--radius-l); background: var(--accent); color: var(--on-accent); }
      .mark svg { width: 100%; height: 100%; }
      input { min-height: 2.9rem; font-family: var(--mono); }
      button { min-height: 2.9rem; font-size: var(--text-m); }
      .tongues { display: flex; gap: var(--space-2); justify-content: center; }
    `,
  ];

  constructor() {
    super();
    this.problem = '';
    this.busy = false;
  }

  render() {
    return html`<main>
      <form @submit=${this.submit}>
        <div class="mark">${mark()}</div>
        <div><h1>${t('sign-in.title')}</h1><p class="soft">${t('sign-in.lead')}</p></div>
        <label>${t('sign-in.key')}
          <input name="key" type="password" autocomplete="current-password" placeholder="psk_…" required
            spellcheck="false" autofocus aria-describedby="problem" aria-invalid=${this.problem ? 'true' : 'false'} />
        </label>
        <div id="problem" role="alert">${this.problem ? html`<p class="note bad">${this.problem}</p>` : nothing}</div>
        <button class="primary" ?disabled=${this.busy}>${t('sign-in.enter')}</button>
        <p class="small faint">${t('sign-in.how')} <code>pisang key create --name …</code></p>
      </form>
    </main>`;
  }

  /** @param {SubmitEvent} event */
  async submit(event) {
    event.preventDefault();
    const input = /** @type {HTMLInputElement} */ (this.renderRoot.querySelector('input'));
    this.busy = true;
    this.problem = '';
    try {
      await signIn(input.value.trim());
    } catch (error) {
      this.problem = /** @type {Error} */ (error).message;
      input.select();
    } finally {
      this.busy = false;
    }
  }
}

customElements.define('sign-in', SignIn);
