/** One picture that can be zoomed (wheel, pinch, double click, + − 0) and moved. */
import { css, html } from '../vendor/lit.js';
import { FITTED, moved, zoomed } from '../state/zoom.js';
import { StudioElement } from './element.js';

const SWIPE_PX = 60;

class ZoomField extends StudioElement {
  static properties = { src: {}, rough: {}, alt: {}, view: { state: true }, sharp: { state: true } };

  static styles = [
    ...StudioElement.styles,
    css`
      :host { position: relative; overflow: hidden; touch-action: none; user-select: none; }
      img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; transform-origin: center; -webkit-user-drag: none; }
      :host(.held) { cursor: grabbing; }
    `,
  ];

  constructor() {
    super();
    this.view = FITTED;
    this.sharp = false;
    /** @type {Map<number, PointerEvent>} */
    this.fingers = new Map();
    this.travelled = 0;
    for (const [name, hear] of Object.entries({ wheel: this.wheeled, dblclick: this.doubled, pointerdown: this.down, pointermove: this.move, pointerup: this.up, pointercancel: this.up })) {
      this.addEventListener(name, /** @type {any} */ (hear), { passive: false });
    }
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (!changed.has('src')) return;
    this.view = FITTED;
    this.sharp = false;
  }

  render() {
    const { scale, x, y } = this.view;
    const place = `transform:translate(${x}px,${y}px) scale(${scale})`;
    return html`
      ${this.sharp ? '' : html`<img src=${this.rough} alt="" draggable="false" .style=${place} />`}
      <img src=${this.src} alt=${this.alt} draggable="false" .style=${place} @load=${() => { this.sharp = true; }} />`;
  }

  /** @param {number} by */
  zoom(by) {
    this.view = by === 0 ? FITTED : zoomed(this.view, by, 0, 0);
  }

  /** Where that is, from the middle. @param {{clientX: number, clientY: number}} event */
  at({ clientX, clientY }) {
    const box = this.getBoundingClientRect();
    return [clientX - box.left - box.width / 2, clientY - box.top - box.height / 2];
  }

  /** @param {WheelEvent} event */
  wheeled(event) {
    event.preventDefault();
    this.view = zoomed(this.view, Math.exp(-event.deltaY / 400), ...this.at(event));
  }

  /** @param {MouseEvent} event */
  doubled(event) {
    this.view = this.view.scale > 1 ? FITTED : zoomed(this.view, 3, ...this.at(event));
  }

  /** @param {PointerEvent} event */
  down(event) {
    this.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, event);
    this.travelled = 0;
    this.classList.add('held');
  }

  /** @param {PointerEvent} event */
  move(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const others = [...this.fingers.values()].filter((one) => one.pointerId !== event.pointerId);
    this.fingers.set(event.pointerId, event);
    if (others.length === 1) {
      const [other] = others;
      const by = apart(event, other) / Math.max(apart(before, other), 1);
      this.view = zoomed(this.view, by, ...this.at({ clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 }));
    } else {
      this.travelled += event.clientX - before.clientX;
      this.view = moved(this.view, event.clientX - before.clientX, event.clientY - before.clientY);
    }
  }

  /** @param {PointerEvent} event */
  up(event) {
    const alone = this.fingers.size === 1;
    this.fingers.delete(event.pointerId);
    this.classList.remove('held');
    if (alone && this.view.scale === 1 && Math.abs(this.travelled) > SWIPE_PX) this.tell('swiped', this.travelled < 0 ? 1 : -1);
  }
}

/** @param {PointerEvent} one @param {PointerEvent} other */
const apart = (one, other) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);

customElements.define('zoom-field', ZoomField);
