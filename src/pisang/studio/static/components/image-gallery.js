/** All images, as many as there are: only those in view are on the page. */
import { css, html, nothing, repeat } from '../vendor/lit.js';
import { countText } from '../format.js';
import { t } from '../i18n/index.js';
import { favour, gallery, keyOf, lookFor, pick, picked, pickRange, readNewest, readOn, showWaiting } from '../state/gallery.js';
import { Masonry } from '../state/masonry.js';
import { previewUrl } from '../state/previews.js';
import { finished } from '../state/queue.js';
import { mayUse } from '../state/session.js';
import { Watch } from '../state/store.js';
import { complain } from '../state/toasts.js';
import { icon } from '../styles/icons.js';
import { StudioElement } from './element.js';
import './gallery-tools.js';
import './outcome-list.js';
import './picked-bar.js';

const WIDE_PX = 250;
const NARROW_PX = 160;
const GAP_PX = 10;
const AHEAD_SCREENS = 3;
const MARGIN_SCREENS = 0.75;

class ImageGallery extends StudioElement {
  static properties = { range: { state: true }, current: { state: true }, scroller: { attribute: false } };

  static styles = [
    ...StudioElement.styles,
    css`
      .field { position: relative; contain: layout style; }
      li { position: absolute; top: 0; left: 0; border-radius: var(--radius-m); background: var(--sunken); overflow: hidden; contain: strict; }
      li a { display: block; width: 100%; height: 100%; }
      li a:focus-visible { outline: 3px solid var(--focus); outline-offset: -3px; border-radius: inherit; }
      img { width: 100%; height: 100%; object-fit: cover; display: block; }
      li.picked { box-shadow: 0 0 0 3px var(--accent); contain: layout style; }
      li.picked img { opacity: 0.85; border-radius: inherit; }
      .over { position: absolute; top: 0.4rem; border: 0; background: #1119; color: #fff; min-height: 1.9rem; width: 1.9rem; opacity: 0; border-radius: var(--radius-full); }
      .over:hover { background: #111d; color: #fff; }
      .over.check { left: 0.4rem; } .over.star { right: 0.4rem; }
      .over.star[aria-pressed='true'] { color: var(--accent); background: #1119; }
      li:hover .over, li:focus-within .over, .over[aria-pressed='true'], .picking .over.check { opacity: 1; }
      .over.check[aria-pressed='true'] { color: var(--on-accent); background: var(--accent); }
      @media (hover: none) { :not(.picking) > li .over.check { display: none; } }
      .new { position: sticky; top: 4rem; z-index: 2; display: flex; justify-content: center; height: 0; }
      .new button { box-shadow: var(--shadow-2); border-radius: var(--radius-full); }
      .empty { padding: var(--space-7) var(--space-4); text-align: center; display: grid; gap: var(--space-2); justify-items: center; }
      .empty svg { width: 3rem; height: 3rem; color: var(--ink-faint); }
    `,
  ];

  constructor() {
    super();
    this.range = [0, 0];
    this.current = 0;
    /** @type {HTMLElement | null} */
    this.scroller = null;
    this.layout = new Masonry(800, WIDE_PX, GAP_PX);
    this.first = '';
    this.width = 0;
    this.frame = 0;
    /** @type {any} */
    this.anchor = null;
    this.scrolled = () => {
      this.frame ||= requestAnimationFrame(() => this.measure());
    };
    this.arrived = () => readNewest(this.top() > -200).catch(complain);
    this.sizes = new ResizeObserver(() => this.scrolled());
    new Watch(this, gallery, picked);
  }

  connectedCallback() {
    super.connectedCallback();
    finished.addEventListener('finished', this.arrived);
    gallery.addEventListener('change', this.scrolled);
    if (!gallery.value.loaded) lookFor().catch(complain);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    finished.removeEventListener('finished', this.arrived);
    gallery.removeEventListener('change', this.scrolled);
    this.scroller?.removeEventListener('scroll', this.scrolled);
    this.sizes.disconnect();
  }

  firstUpdated() {
    this.scroller?.addEventListener('scroll', this.scrolled, { passive: true });
    this.sizes.observe(this.field);
    if (this.scroller) this.sizes.observe(this.scroller);
  }

  get field() {
    return /** @type {HTMLElement} */ (this.renderRoot.querySelector('.field'));
  }

  /** How far the field's top is below that of what scrolls it. */
  top() {
    return this.scroller ? this.field.getBoundingClientRect().top - this.scroller.getBoundingClientRect().top : 0;
  }

  /** Lays out what is new, and finds what is in view. */
  measure() {
    this.frame = 0;
    if (!this.scroller || !this.isConnected) return;
    const { images } = gallery.value;
    const width = this.field.clientWidth;
    const first = images.length ? keyOf(images[0]) : '';
    if (width !== this.width || first !== this.first || images.length < this.layout.places.length) {
      this.layout = new Masonry(width, width < 600 ? NARROW_PX : WIDE_PX, GAP_PX);
      [this.width, this.first] = [width, first];
      this.range = [0, 0];
    }
    this.layout.extend(images);
    const screen = this.scroller.clientHeight;
    const from = -this.top();
    const [start, end] = this.layout.window(from - MARGIN_SCREENS * screen, from + (1 + MARGIN_SCREENS) * screen);
    if (start !== this.range[0] || end !== this.range[1]) this.range = [start, end];
    if (from + (1 + AHEAD_SCREENS) * screen > this.layout.height) readOn().catch(complain);
  }

  render() {
    const { images, loaded, waiting, total, filter } = gallery.value;
    const [start, end] = this.range;
    const shown = images.slice(start, end);
    return html`<section aria-labelledby="title">
      <h2 id="title" class="unseen">${t('gallery.title')}</h2>
      <gallery-tools></gallery-tools>
      <p class="unseen" role="status">${total === null ? '' : t('gallery.total', { count: countText(total) })}</p>
      ${waiting.length
        ? html`<div class="new"><button class="primary" @click=${this.showNew}>${t('gallery.new', { count: waiting.length })}</button></div>`
        : nothing}
      ${filter.outcome ? html`<outcome-list .state=${filter.outcome}></outcome-list>` : nothing}
      <ul ?hidden=${Boolean(filter.outcome)} class="field ${picked.value.on ? 'picking' : ''}" .style=${`height:${this.layout.height}px`} @keydown=${this.pressed}>
        ${repeat(shown, keyOf, (image, at) => this.tile(image, start + at))}
      </ul>
      ${loaded && !images.length && !filter.outcome ? this.empty() : nothing}
      <picked-bar></picked-bar>
    </section>`;
  }

  empty() {
    const looking = Object.values(gallery.value.filter).some(Boolean);
    return html`<div class="empty">${icon(looking ? 'search' : 'image')}
      <h2>${t(looking ? 'gallery.none-found' : 'gallery.none')}</h2>
      <p class="soft">${t(looking ? 'gallery.none-found-hint' : 'gallery.none-hint')}</p></div>`;
  }

  /** @param {import('../state/gallery.js').Image} image @param {number} at */
  tile(image, at) {
    const place = this.layout.places[at];
    if (!place) return nothing;
    const on = picked.value.keys.has(keyOf(image));
    return html`<li
      class=${on ? 'picked' : ''} aria-setsize=${gallery.value.total ?? -1} aria-posinset=${at + 1}
      .style=${`transform:translate(${place.left}px,${place.top}px);width:${place.width}px;height:${place.height}px`}
    >
      <a href="#/image/${keyOf(image)}" data-at=${at} tabindex=${at === this.current ? 0 : -1}
        @focus=${() => { this.current = at; }} @click=${(/** @type {MouseEvent} */ event) => this.clicked(event, image)}
        ><img src=${previewUrl(image.sha256)} alt=${image.prompt.slice(0, 200)} decoding="async" draggable="false"
      /></a>
      ${mayUse() ? html`<button class="over star" tabindex="-1" aria-pressed=${Boolean(image.favourite)} aria-label=${t('gallery.favour-of', { name: image.prompt.slice(0, 80) })} @click=${() => this.favour(image)}>${icon('star', image.favourite)}</button>` : nothing}
      <button class="over check" tabindex="-1" aria-pressed=${on} aria-label=${t('gallery.pick', { name: image.prompt.slice(0, 80) })} @click=${(/** @type {MouseEvent} */ event) => this.choose(event, image)}>${icon('check')}</button>
    </li>`;
  }

  /** @param {MouseEvent} event @param {import('../state/gallery.js').Image} image */
  clicked(event, image) {
    if (!picked.value.on && !event.shiftKey && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.choose(event, image);
  }

  /** @param {MouseEvent | KeyboardEvent} event @param {import('../state/gallery.js').Image} image */
  choose(event, image) {
    if (event.shiftKey && this.anchor) pickRange(this.anchor, image);
    else pick(image);
    this.anchor = image;
  }

  /** @param {import('../state/gallery.js').Image} image */
  favour(image) {
    if (mayUse()) favour([image], !image.favourite).catch(complain);
  }

  showNew() {
    showWaiting();
    this.scroller?.scrollTo({ top: 0 });
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const { images } = gallery.value;
    const at = this.current;
    const keys = {
      ArrowRight: () => this.go(at + 1),
      ArrowLeft: () => this.go(at - 1),
      ArrowDown: () => this.go(this.beside(at, 1)),
      ArrowUp: () => this.go(this.beside(at, -1)),
      Home: () => this.go(0),
      End: () => this.go(images.length - 1),
      ' ': () => this.choose(event, images[at]),
      x: () => this.choose(event, images[at]),
      f: () => this.favour(images[at]),
    };
    const act = keys[event.key];
    if (!act || event.altKey || event.ctrlKey || event.metaKey || !images[at]) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  /** The next one in the same column. @param {number} at @param {1 | -1} by */
  beside(at, by) {
    const { places } = this.layout;
    for (let other = at + by; other >= 0 && other < places.length; other += by) {
      if (places[other].left === places[at].left) return other;
    }
    return at;
  }

  /** @param {number} at */
  async go(at) {
    const place = this.layout.places[at];
    if (!place || !this.scroller) return;
    this.current = at;
    const from = -this.top();
    const screen = this.scroller.clientHeight;
    if (place.top < from + 70) this.scroller.scrollTop += place.top - from - 70;
    else if (place.top + place.height > from + screen) this.scroller.scrollTop += place.top + place.height - from - screen + 20;
    this.measure();
    await this.updateComplete;
    /** @type {HTMLElement | null} */ (this.renderRoot.querySelector(`a[data-at="${at}"]`))?.focus({ preventScroll: true });
  }
}

customElements.define('image-gallery', ImageGallery);
