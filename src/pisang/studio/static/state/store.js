/** A value that tells who watches it when it changes, and an element's way to watch it. */

/** @template {object} T */
export class Store extends EventTarget {
  /** @param {T} first */
  constructor(first) {
    super();
    /** @type {T} */
    this.value = first;
  }

  /** @param {Partial<T>} change */
  set(change) {
    this.value = { ...this.value, ...change };
    this.dispatchEvent(new Event('change'));
  }
}

/**
 * A Lit controller: the element is drawn anew when one of these changes, while it is on the page.
 */
export class Watch {
  /**
   * @param {import('../vendor/lit.js').LitElement} host
   * @param {...EventTarget} watched
   */
  constructor(host, ...watched) {
    this.host = host;
    this.watched = watched;
    this.changed = () => host.requestUpdate();
    host.addController(this);
  }

  hostConnected() {
    for (const one of this.watched) one.addEventListener('change', this.changed);
  }

  hostDisconnected() {
    for (const one of this.watched) one.removeEventListener('change', this.changed);
  }
}
