/** What can be done with the images that are picked. */
import { css, html, nothing } from '../vendor/lit.js';
import { countText } from '../format.js';
import { t } from '../i18n/index.js';
import { erase, favour, gallery, packed, picked, pickedImages, remove, restore, UNDO_MS, unpick } from '../state/gallery.js';
import { mayUse, session } from '../state/session.js';
import { Watch } from '../state/store.js';
import { complain, say } from '../state/toasts.js';
import { addReferences, referenceOf } from '../state/wish.js';
import { icon } from '../styles/icons.js';
import { StudioElement } from './element.js';
import { ask } from './forms.js';

class PickedBar extends StudioElement {
  static styles = [
    ...StudioElement.styles,
    css`
      :host { position: sticky; bottom: var(--space-4); z-index: 4; display: flex; justify-content: center; pointer-events: none; }
      .bar { pointer-events: auto; display: flex; flex-wrap: wrap; align-items: center; justify-content: center; gap: var(--space-1); padding: var(--space-2);
        border: 1px solid var(--line); border-radius: var(--radius-l); background: var(--raised); box-shadow: var(--shadow-2); }
      strong { padding: 0 var(--space-2); font-size: var(--text-s); }
      @media (max-width: 48rem) { .bar button span { display: none; } .bar button { width: 2.5rem; padding: 0; } }
    `,
  ];

  constructor() {
    super();
    new Watch(this, picked, gallery, session);
  }

  render() {
    const images = pickedImages();
    if (!picked.value.on) return nothing;
    const none = !images.length;
    return html`<div class="bar" role="toolbar" aria-label=${t('picked.title')}>
      <strong class="number" role="status">${t('picked.count', { count: countText(images.length) })}</strong>
      ${mayUse() ? this.button('image', t('picked.use'), none, () => this.use(images)) : nothing}
      ${this.button('compare', t('picked.compare'), images.length !== 2, async () => this.tell('compare-images', images))}
      ${this.button('download', t('picked.zip'), none, () => this.fetch(images))}
      ${mayUse() ? this.marks(images, none) : nothing}
      <button class="quiet icon" aria-label=${t('picked.none')} title=${t('picked.none')} @click=${unpick}>${icon('close')}</button>
    </div>`;
  }

  /** @param {import('../state/gallery.js').Image[]} images @param {boolean} none */
  marks(images, none) {
    if (gallery.value.filter.trash) {
      return html`${this.button('remix', t('picked.restore'), none, () => restore(images))}
        ${this.button('trash', t('picked.erase'), none, () => this.erase(images), 'danger')}`;
    }
    const all = !none && images.every((one) => one.favourite);
    return html`${this.button('star', t(all ? 'picked.unfavour' : 'picked.favour'), none, () => favour(images, !all))}
      ${this.button('trash', t('picked.delete'), none, () => deleteImages(images), 'danger')}`;
  }

  /** @param {import('../state/gallery.js').Image[]} images */
  async erase(images) {
    if (await ask(this, t('picked.erase-ask', { count: images.length }), t('picked.erase'))) await erase(images);
  }

  /** One file with all of them. @param {import('../state/gallery.js').Image[]} images */
  async fetch(images) {
    const link = document.createElement('a');
    link.href = await packed(images);
    link.download = '';
    link.click();
  }

  /** @param {any} sign @param {string} name @param {boolean} disabled @param {() => Promise<any>} act */
  button(sign, name, disabled, act, kind = '') {
    return html`<button class="quiet ${kind}" aria-label=${name} title=${name} ?disabled=${disabled} @click=${() => act().catch(complain)}>
      ${icon(sign)}<span>${name}</span></button>`;
  }

  /** @param {import('../state/gallery.js').Image[]} images */
  async use(images) {
    addReferences(images.map(referenceOf));
    unpick();
    this.tell('go-compose');
  }
}

/** Takes images away, and says how to have them back. @param {import('../state/gallery.js').Image[]} images */
export async function deleteImages(images) {
  const back = await remove(images);
  say(t('picked.deleted', { count: images.length }), { action: { label: t('picked.undo'), run: () => back().catch(complain) }, shown_ms: UNDO_MS });
}

customElements.define('picked-bar', PickedBar);
