/** What forms have in common: their fields as values, and a question before what can't be undone. */
import { html, LitElement } from '../vendor/lit.js';
import { t } from '../i18n/index.js';
import { controls } from '../styles/controls.js';
import { page } from '../styles/page.js';

/** The fields that were filled in. @param {SubmitEvent} event @returns {Record<string, string>} */
export function formFacts(event) {
  event.preventDefault();
  const data = new FormData(/** @type {HTMLFormElement} */ (event.target));
  return Object.fromEntries([...data].map(([name, value]) => [name, String(value).trim()]).filter(([, value]) => value !== ''));
}

class AskSheet extends LitElement {
  static properties = { question: {}, verb: {} };

  static styles = [controls, page];

  firstUpdated() {
    /** @type {HTMLDialogElement} */ (this.renderRoot.querySelector('dialog')).showModal();
  }

  render() {
    return html`<dialog aria-labelledby="question"><form method="dialog">
      <p id="question">${this.question}</p>
      <div class="ends"><button class="quiet" value="">${t('form.cancel')}</button><button class="danger" value="yes">${this.verb}</button></div>
    </form></dialog>`;
  }
}

customElements.define('ask-sheet', AskSheet);

/**
 * Asks before it is done.
 * @param {LitElement} host @param {string} question @param {string} verb
 * @returns {Promise<boolean>}
 */
export async function ask(host, question, verb) {
  const sheet = Object.assign(new AskSheet(), { question, verb });
  host.renderRoot.append(sheet);
  await sheet.updateComplete;
  const dialog = /** @type {HTMLDialogElement} */ (sheet.renderRoot.querySelector('dialog'));
  await new Promise((resolve) => dialog.addEventListener('close', resolve, { once: true }));
  sheet.remove();
  return dialog.returnValue === 'yes';
}
