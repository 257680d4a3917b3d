/** The pictures that go along: pasted, dropped, chosen, or from the gallery; in an order that counts. */
import { css, html, nothing, repeat } from '../vendor/lit.js';
import { t } from '../i18n/index.js';
import { choices, modelOf } from '../state/choices.js';
import { takePictures } from '../state/pictures.js';
import { Watch } from '../state/store.js';
import { moveReference, removeReference, wish } from '../state/wish.js';
import { icon } from '../styles/icons.js';
import { StudioElement } from './element.js';

class ReferenceTray extends StudioElement {
  static properties = { dragged: { state: true } };

  static styles = [
    ...StudioElement.styles,
    css`
      .head { display: flex; justify-content: space-between; align-items: baseline; }
      ul { display: flex; flex-wrap: wrap; gap: var(--space-2); margin-top: var(--space-2); }
      li { position: relative; width: 4.5rem; height: 4.5rem; border-radius: var(--radius-m); background: var(--sunken); }
      li.dragged { opacity: 0.4; }
      li.base { outline: 2px solid var(--accent); outline-offset: 1px; }
      img { width: 100%; height: 100%; border-radius: inherit; object-fit: cover; display: block; cursor: grab; }
      .place { position: absolute; left: 4px; bottom: 4px; padding: 0 0.4em; border-radius: var(--radius-full);
        background: #000a; color: #fff; font-size: var(--text-xs); font-weight: 600; }
      li button:not(.add) { position: absolute; min-height: 1.5rem; width: 1.5rem; padding: 0; border: 0; background: #000a; color: #fff; border-radius: var(--radius-full); }
      li button:not(.add):hover { background: #000; color: #fff; }
      li button:not(.add) svg { width: 0.8rem; height: 0.8rem; }
      li .remove { top: -6px; right: -6px; }
      li .earlier, li .later { bottom: 4px; opacity: 0; }
      li .earlier { right: 30px; }
      li .later { right: 4px; }
      li:hover .earlier, li:hover .later, li:focus-within .earlier, li:focus-within .later { opacity: 1; }
      li:last-child { background: none; }
      .add { width: 4.5rem; height: 4.5rem; flex-direction: column; gap: 2px; border: 1.5px dashed var(--line-strong); background: transparent;
        color: var(--ink-soft); font-size: var(--text-xs); white-space: normal; text-align: center; padding: 2px; }
      .over { color: var(--bad); font-weight: 600; }
      input { display: none; }
    `,
  ];

  constructor() {
    super();
    this.dragged = -1;
    new Watch(this, wish, choices);
  }

  render() {
    const { base, references } = wish.value;
    const limit = modelOf()?.max_references ?? null;
    const count = references.length + (base ? 1 : 0);
    return html`
      <div class="head">
        <span class="label" id="title">${t('tray.title')}</span>
        ${count && limit !== null
          ? html`<span class="small number ${count > limit ? 'over' : 'faint'}">${t('tray.count', { count, limit })}</span>`
          : nothing}
      </div>
      <ul aria-labelledby="title">
        ${base ? this.picture(base, -1) : nothing}
        ${repeat(references, (one) => one.key, (one, at) => this.picture(one, at))}
        <li>
          <button class="add" type="button" @click=${this.browse} title=${t('tray.add-how')}>
            ${icon('image')}<span>${t('tray.add')}</span>
          </button>
        </li>
      </ul>
      <input type="file" accept="image/*" multiple tabindex="-1" aria-hidden="true" @change=${this.chosen} />
    `;
  }

  /** @param {import('../state/wish.js').Reference} one @param {number} at -1: the one that is edited */
  picture(one, at) {
    const name = at < 0 ? t('tray.edited', { name: one.name }) : t('tray.picture', { place: at + 1, name: one.name });
    const last = at === wish.value.references.length - 1;
    return html`<li
      class=${at < 0 ? 'base' : at === this.dragged ? 'dragged' : ''} draggable=${at >= 0 ? 'true' : 'false'}
      @dragstart=${(/** @type {DragEvent} */ event) => this.lift(event, at)}
      @dragenter=${() => this.over(at)} @dragover=${this.allow} @dragend=${this.drop}
    >
      <img src=${one.preview} alt=${name} title=${name} draggable="false" />
      <span class="place" aria-hidden="true">${at < 0 ? t('tray.edit-badge') : at + 1}</span>
      <button class="remove" type="button" aria-label=${t('tray.remove', { name })} @click=${() => removeReference(one.key)}>${icon('close')}</button>
      ${at > 0
        ? html`<button class="earlier" type="button" aria-label=${t('tray.earlier', { name })} @click=${() => moveReference(at, at - 1)}>${icon('left')}</button>`
        : nothing}
      ${at >= 0 && !last
        ? html`<button class="later" type="button" aria-label=${t('tray.later', { name })} @click=${() => moveReference(at, at + 1)}>${icon('right')}</button>`
        : nothing}
    </li>`;
  }

  /** @param {DragEvent} event @param {number} at */
  lift(event, at) {
    event.dataTransfer?.setData('text/plain', 'reference');
    this.dragged = at;
  }

  /** @param {number} at */
  over(at) {
    if (this.dragged < 0 || at < 0 || at === this.dragged) return;
    moveReference(this.dragged, at);
    this.dragged = at;
  }

  /** @param {DragEvent} event */
  allow(event) {
    if (this.dragged >= 0) event.preventDefault();
  }

  drop() {
    this.dragged = -1;
  }

  browse() {
    /** @type {HTMLInputElement} */ (this.renderRoot.querySelector('input')).click();
  }

  /** @param {Event} event */
  async chosen(event) {
    const input = /** @type {HTMLInputElement} */ (event.target);
    await takePictures([...(input.files ?? [])]);
    input.value = '';
  }
}

customElements.define('reference-tray', ReferenceTray);
