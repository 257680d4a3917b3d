/** One image over the whole page: look closely, know everything, go on from here. */
import { css, html, nothing } from '../vendor/lit.js';
import { API, get } from '../api.js';
import { t } from '../i18n/index.js';
import { recall, remember } from '../state/memory.js';
import { favour, gallery } from '../state/gallery.js';
import { previewUrl } from '../state/previews.js';
import { mayUse } from '../state/session.js';
import { Watch } from '../state/store.js';
import { complain } from '../state/toasts.js';
import { addReferences, referenceOf, wish } from '../state/wish.js';
import { icon } from '../styles/icons.js';
import { StudioElement } from './element.js';
import './image-compare.js';
import './image-info.js';
import { deleteImages } from './picked-bar.js';
import './toast-list.js';
import './zoom-field.js';

/** @param {string} sha256 */
const originalUrl = (sha256) => `${API}/images/${sha256}`;

class ImageViewer extends StudioElement {
  static properties = { request: {}, sha256: {}, compared: { attribute: false }, story: { state: true }, known: { state: true } };

  static styles = [
    ...StudioElement.styles,
    css`
      dialog { width: 100vw; max-width: none; height: 100dvh; max-height: none; border-radius: 0; background: var(--paper); overflow: hidden; }
      .whole { display: grid; grid-template: auto 1fr / 1fr; height: 100%; }
      .whole.known { grid-template: auto 1fr / 1fr 23rem; }
      header { grid-column: 1 / -1; display: flex; gap: var(--space-1); align-items: center; padding: var(--space-2) var(--space-3); border-bottom: 1px solid var(--line); background: var(--surface); }
      .stage { position: relative; min-width: 0; min-height: 0; background: var(--sunken); display: grid; }
      .turn { position: absolute; top: 50%; margin-top: -1.4rem; width: 2.8rem; height: 2.8rem; border-radius: var(--radius-full); border: 0; background: #1118; color: #fff; }
      .turn:hover:not(:disabled) { background: #111c; color: #fff; } .turn:disabled { display: none; }
      .before { left: var(--space-3); } .after { right: var(--space-3); }
      image-info { overflow: auto; border-left: 1px solid var(--line); background: var(--surface); }
      .main span { margin-left: var(--space-1); }
      @media (max-width: 56rem) {
        .whole.known { grid-template: auto minmax(38vh, 1fr) minmax(0, auto) / 1fr; }
        image-info { border-left: 0; border-top: 1px solid var(--line); max-height: 50vh; }
        header { padding: var(--space-1); gap: 0; }
        .main span { display: none; } .main { width: 2.5rem; padding: 0; }
      }
    `,
  ];

  constructor() {
    super();
    this.story = null;
    this.compared = '';
    /** Until the story of what is shown is here. @type {Promise<unknown>} */
    this.reading = Promise.resolve();
    this.known = recall('info', true);
    new Watch(this, gallery);
  }

  firstUpdated() {
    /** @type {HTMLDialogElement} */ (this.renderRoot.querySelector('dialog')).showModal();
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    if (changed.has('sha256') || changed.has('request')) this.reading = this.read().catch(complain);
  }

  /** Where it is among those of the gallery; -1 where it isn't. */
  get at() {
    return gallery.value.images.findIndex((one) => one.sha256 === this.sha256 && (this.request === '-' || one.request_id === this.request));
  }

  get image() {
    const listed = gallery.value.images[this.at];
    const told = this.story?.images.find((/** @type {any} */ one) => one.sha256 === this.sha256);
    const facts = { sha256: this.sha256, request_id: this.story?.request_id ?? this.request, url: originalUrl(this.sha256), width: 0, height: 0, prompt: '', mime: '' };
    return { ...facts, ...told, ...listed, bytes: told?.bytes ?? listed?.bytes, parent: told?.parent ?? listed?.parent };
  }

  async read() {
    this.story = null;
    const request = this.request === '-' ? (await get(`/gallery/${this.sha256}`)).request_id : this.request;
    this.story = await get(`/requests/${request}`);
  }

  render() {
    const { image } = this;
    const { images } = gallery.value;
    return html`<dialog aria-label=${t('viewer.title')} @close=${() => this.tell('viewer-closed')} @keydown=${this.pressed}>
      <div class="whole ${this.known ? 'known' : ''}">
        <header>${this.tools(image)}</header>
        <div class="stage">
          ${this.compared
            ? html`<image-compare .left=${originalUrl(this.compared)} .right=${image.url}></image-compare>`
            : html`<zoom-field .src=${image.url} .rough=${previewUrl(this.sha256)} .alt=${image.prompt} @swiped=${(/** @type {any} */ event) => this.turn(event.detail)}></zoom-field>`}
          ${this.compared ? nothing : html`
            <button class="turn before" aria-label=${t('viewer.newer')} ?disabled=${this.at <= 0} @click=${() => this.turn(-1)}>${icon('left')}</button>
            <button class="turn after" aria-label=${t('viewer.older')} ?disabled=${this.at < 0 || this.at >= images.length - 1} @click=${() => this.turn(1)}>${icon('right')}</button>`}
        </div>
        ${this.known ? html`<image-info .image=${image} .story=${this.story} @compare-with=${(/** @type {any} */ event) => { this.compared = event.detail; }}></image-info>` : nothing}
      </div>
      <toast-list></toast-list>
    </dialog>`;
  }

  /** @param {any} image */
  tools(image) {
    return html`
      <button class="quiet icon" aria-label=${t('viewer.close')} title=${t('viewer.close')} @click=${this.close}>${icon('close')}</button>
      <span class="grow"></span>
      ${mayUse() ? html`
        ${this.tool('edit', 'viewer.edit', () => this.edit(image))}
        ${this.tool('remix', 'viewer.remix', () => this.remix())}
        ${this.tool('image', 'viewer.use', () => this.use(image))}` : nothing}
      ${mayUse() ? html`<button class="quiet icon" aria-pressed=${Boolean(image.favourite)} aria-label=${t('gallery.favour')} title=${t('gallery.favour')} @click=${() => this.favour(image)}>${icon('star', image.favourite)}</button>
        <button class="quiet icon" aria-label=${t('viewer.delete')} title=${t('viewer.delete')} @click=${() => this.delete(image)}>${icon('trash')}</button>` : nothing}
      <button class="quiet icon" aria-pressed=${this.known} aria-label=${t('viewer.info')} title=${t('viewer.info')} @click=${this.toggleInfo}>${icon('info')}</button>`;
  }

  /** @param {any} sign @param {string} name @param {() => void} act */
  tool(sign, name, act) {
    return html`<button class="quiet main" aria-label=${t(name)} title=${t(name)} ?disabled=${!this.story} @click=${act}>${icon(sign)}<span>${t(name)}</span></button>`;
  }

  close() {
    /** @type {HTMLDialogElement} */ (this.renderRoot.querySelector('dialog')).close();
  }

  toggleInfo() {
    this.known = !this.known;
    remember('info', this.known);
  }

  /** @param {number} by */
  turn(by) {
    const next = this.at < 0 ? undefined : gallery.value.images[this.at + by];
    if (next) location.replace(`#/image/${next.request_id}/${next.sha256}`);
  }

  /** @param {any} image */
  edit(image) {
    wish.set({ base: referenceOf({ ...image, preview: previewUrl(image.sha256) }), prompt: '', ratio: '' });
    this.leaveTo();
  }

  /** The same wish again, to be changed. */
  async remix() {
    await this.reading;
    const { story } = this;
    if (!story) return;
    const shape = story.images.find((/** @type {any} */ one) => one.sha256 === this.sha256)?.requested ?? {};
    wish.set({ prompt: story.prompt, via: story.upstream, model: story.model, ratio: shape.aspect_ratio ?? '', size: shape.image_size ?? '', base: null });
    this.leaveTo();
  }

  /** @param {any} image */
  use(image) {
    addReferences([referenceOf({ ...image, preview: previewUrl(image.sha256) })]);
    this.leaveTo();
  }

  leaveTo() {
    this.close();
    this.tell('go-compose');
  }

  /** @param {any} image */
  favour(image) {
    favour([image], !image.favourite).catch(complain);
  }

  /** @param {any} image */
  delete(image) {
    const next = gallery.value.images[this.at + 1] ?? gallery.value.images[this.at - 1];
    deleteImages([image]).catch(complain);
    if (next) location.replace(`#/image/${next.request_id}/${next.sha256}`);
    else this.close();
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.composedPath()[0] instanceof HTMLInputElement) return;
    const { image } = this;
    const field = /** @type {any} */ (this.renderRoot.querySelector('zoom-field'));
    const keys = {
      ArrowLeft: () => this.turn(-1), ArrowRight: () => this.turn(1), i: () => this.toggleInfo(),
      '+': () => field?.zoom(1.4), '=': () => field?.zoom(1.4), '-': () => field?.zoom(1 / 1.4), 0: () => field?.zoom(0),
      e: () => mayUse() && this.edit(image), r: () => mayUse() && this.remix(), u: () => mayUse() && this.use(image),
      c: () => { this.compared = this.compared ? '' : image.parent ?? ''; }, Delete: () => mayUse() && this.delete(image), f: () => mayUse() && this.favour(image),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }
}

customElements.define('image-viewer', ImageViewer);
