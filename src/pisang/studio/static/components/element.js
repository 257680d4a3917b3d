/** What every element of the studio is: Lit's, in the house's look, drawn anew in another language. */
import { LitElement } from '../vendor/lit.js';
import { languages } from '../i18n/index.js';
import { Watch } from '../state/store.js';
import { controls } from '../styles/controls.js';

export class StudioElement extends LitElement {
  static styles = [controls];

  constructor() {
    super();
    new Watch(this, languages);
  }

  /** Tells whoever is above. @param {string} name @param {unknown} [detail] */
  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}
