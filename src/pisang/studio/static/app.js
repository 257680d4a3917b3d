/** The studio: who is here, which page is shown, and the keys that work everywhere. */
import { css, html, nothing } from './vendor/lit.js';
import { StudioElement } from './components/element.js';
import './components/key-sheet.js';
import './components/sign-in.js';
import './components/studio-view.js';
import './components/toast-list.js';
import { listen, news, stopListening } from './events.js';
import { language, speak, t } from './i18n/index.js';
import { readChoices } from './state/choices.js';
import { gallery } from './state/gallery.js';
import { look, turnTheme } from './state/look.js';
import { filesOf, takePictures } from './state/pictures.js';
import { catchUp, queue } from './state/queue.js';
import { go, route } from './state/route.js';
import { isAdmin, mayUse, readSession, session, signOut } from './state/session.js';
import { Watch } from './state/store.js';
import { complain } from './state/toasts.js';
import { icon, mark } from './styles/icons.js';

const RETRY_MS = 2000;

/** The pages; those that are not the first are fetched when they are wanted. */
const PAGES = [
  { name: 'create', icon: 'create', load: null, admin: false },
  { name: 'gallery', icon: 'gallery', load: null, admin: false },
  { name: 'batch', icon: 'batch', load: () => import('./components/batch-page.js'), admin: false },
  { name: 'costs', icon: 'costs', load: () => import('./components/cost-page.js'), admin: false },
  { name: 'keys', icon: 'keys', load: () => import('./components/key-page.js'), admin: true },
  { name: 'upstreams', icon: 'upstreams', load: () => import('./components/upstream-page.js'), admin: true },
];

const THEMES = { auto: 'auto', light: 'sun', dark: 'moon' };

class StudioApp extends StudioElement {
  static properties = { page: { state: true }, unreachable: { state: true }, open: { state: true } };

  static styles = [
    ...StudioElement.styles,
    css`
      .shell { height: 100dvh; display: grid; grid-template: minmax(0, 1fr) / 5.25rem minmax(0, 1fr); }
      nav { display: flex; flex-direction: column; align-items: center; gap: var(--space-1); padding: var(--space-3) 0; border-right: 1px solid var(--line); background: var(--surface); }
      .mark { width: 2.25rem; height: 2.25rem; padding: 0.45rem; margin-bottom: var(--space-3); border-radius: var(--radius-m); background: var(--accent); color: var(--on-accent); }
      nav ul { display: contents; }
      nav a { position: relative; display: flex; flex-direction: column; align-items: center; gap: 2px; width: 4.75rem; padding: var(--space-2) 0; border-radius: var(--radius-m);
        color: var(--ink-soft); font-size: var(--text-xs); font-weight: 550; text-decoration: none; transition: background var(--quick), color var(--quick); }
      nav a:hover { background: var(--sunken); color: var(--ink); }
      nav a[aria-current] { background: var(--accent-soft); color: var(--accent-ink); }
      nav a svg { width: 1.35rem; height: 1.35rem; }
      .badge { position: absolute; top: 2px; right: 10px; min-width: 1.15rem; padding: 0 0.3rem; border-radius: var(--radius-full); background: var(--warn); color: var(--paper); font-size: 0.6875rem; line-height: 1.15rem; text-align: center; }
      .space { flex: 1; }
      .settings { display: contents; }
      .more { display: none; }
      main { min-height: 0; min-width: 0; overflow: hidden; }
      .wait { height: 100dvh; display: grid; place-items: center; color: var(--ink-soft); }
      .skip { position: absolute; left: -100vw; } .skip:focus { left: var(--space-2); top: var(--space-2); z-index: 30; padding: var(--space-2) var(--space-3); background: var(--raised); border-radius: var(--radius-m); }
      @media (min-width: 56.01rem) { nav li.gallery { display: none; } }
      @media (max-width: 56rem) {
        .shell { grid-template: minmax(0, 1fr) auto / 1fr; }
        nav { order: 2; flex-direction: row; justify-content: space-around; gap: 0; padding: 2px 2px max(2px, env(safe-area-inset-bottom)); border: 0; border-top: 1px solid var(--line); overflow-x: auto; }
        nav .mark, .space { display: none; }
        .more { display: inline-flex; }
        .settings { display: none; position: fixed; right: var(--space-2); bottom: 4.25rem; z-index: 10; flex-direction: column; padding: var(--space-2); border: 1px solid var(--line); border-radius: var(--radius-l); background: var(--raised); box-shadow: var(--shadow-2); }
        .settings.open { display: flex; }
        nav a { width: 100%; } nav li { flex: 1; min-width: 3.25rem; }
      }
    `,
  ];

  constructor() {
    super();
    this.page = 'create';
    this.unreachable = false;
    /** Whether the settings are shown, on a phone. */
    this.open = false;
    new Watch(this, session, route, look, queue);
    this.addEventListener('go-compose', () => this.compose());
    this.addEventListener('viewer-closed', () => go(this.page));
    this.addEventListener('open-image', (/** @type {any} */ event) => go(`image/${event.detail.request_id}/${event.detail.sha256}`));
    this.addEventListener('compare-images', (/** @type {any} */ event) => this.compare(event.detail));
    news.addEventListener('resumed', () => catchUp().catch(() => undefined));
  }

  connectedCallback() {
    super.connectedCallback();
    document.documentElement.lang = language() === 'zh' ? 'zh-CN' : 'en';
    window.addEventListener('keydown', (event) => this.pressed(event));
    window.addEventListener('paste', (event) => this.brought(event, event.clipboardData));
    window.addEventListener('dragover', (event) => event.preventDefault());
    window.addEventListener('drop', (event) => this.brought(event, event.dataTransfer));
    session.addEventListener('change', () => this.entered());
    route.addEventListener('change', () => this.turned());
    this.turned();
    void this.arrive();
  }

  async arrive() {
    try {
      await readSession();
      this.unreachable = false;
    } catch {
      this.unreachable = true;
      setTimeout(() => this.arrive(), RETRY_MS);
    }
  }

  /** Whoever is signed in is told of everything; who isn't, of nothing. */
  entered() {
    if (!session.value.signedIn) {
      stopListening();
      gallery.set({ images: [], loaded: false });
      return;
    }
    listen();
    readChoices().catch(complain);
  }

  /** Another page is wanted: what it is made of is fetched first. */
  turned() {
    const { page } = route.value;
    this.open = false;
    const found = PAGES.find((one) => one.name === page);
    if (found) this.page = found.name;
    if (page === 'image') import('./components/image-viewer.js').catch(complain);
    found?.load?.().catch(complain);
  }

  render() {
    if (!session.value.ready) return html`<div class="wait" role="status">${this.unreachable ? t('app.unreachable') : nothing}</div>`;
    if (!session.value.signedIn) return html`<sign-in></sign-in><toast-list></toast-list>`;
    const [request, sha256, other] = route.value.rest;
    return html`
      <a class="skip" href="#main" @click=${this.skip}>${t('app.skip')}</a>
      <div class="shell">
        <nav aria-label=${t('app.pages')}>
          <div class="mark">${mark()}</div>
          <ul>${this.pages().map((one) => this.link(one))}</ul>
          <span class="space"></span>
          <button class="quiet more" aria-label=${t('app.more')} aria-expanded=${this.open} @click=${() => { this.open = !this.open; }}>${icon('more')}</button>
          <div class="settings ${this.open ? 'open' : ''}">${this.settings()}</div>
        </nav>
        <main id="main" tabindex="-1">${this.body()}</main>
      </div>
      ${route.value.page === 'image' && sha256
        ? html`<image-viewer .request=${request} .sha256=${sha256} .compared=${other ?? ''}></image-viewer>`
        : nothing}
      <key-sheet></key-sheet>${route.value.page === 'image' ? nothing : html`<toast-list></toast-list>`}`;
  }

  pages() {
    return PAGES.filter((one) => !one.admin || isAdmin());
  }

  /** @param {typeof PAGES[number]} one */
  link(one) {
    const unknown = one.name === 'create' ? queue.value.entries.filter((entry) => entry.state === 'unknown').length : 0;
    return html`<li class=${one.name}><a href="#/${one.name}" aria-current=${this.page === one.name ? 'page' : nothing}>
      ${icon(/** @type {any} */ (one.icon))}<span>${t(`page.${one.name}`)}</span>
      ${unknown ? html`<span class="badge number" aria-label=${t('app.decide', { count: unknown })}>${unknown}</span>` : nothing}
    </a></li>`;
  }

  settings() {
    const theme = t(`theme.${look.value.theme}`);
    return html`
      <button class="quiet icon" aria-label=${t('app.keys')} title=${t('app.keys')} @click=${this.showKeys}>${icon('keyboard')}</button>
      <button class="quiet icon" aria-label=${theme} title=${theme} @click=${turnTheme}>${icon(/** @type {any} */ (THEMES[look.value.theme]))}</button>
      <button class="quiet icon" lang=${language() === 'zh' ? 'en' : 'zh'} title=${language() === 'zh' ? 'English' : '中文'} @click=${this.turnLanguage}>${language() === 'zh' ? 'EN' : '中文'}</button>
      ${session.value.guarded
        ? html`<button class="quiet icon" aria-label=${t('app.sign-out', { name: session.value.name })} title=${t('app.sign-out', { name: session.value.name })} @click=${() => signOut().catch(complain)}>${icon('leave')}</button>`
        : nothing}`;
  }

  body() {
    switch (this.page) {
      case 'batch': return html`<batch-page></batch-page>`;
      case 'costs': return html`<cost-page></cost-page>`;
      case 'keys': return html`<key-page></key-page>`;
      case 'upstreams': return html`<upstream-page></upstream-page>`;
      default: return html`<studio-view part=${this.page}></studio-view>`;
    }
  }

  turnLanguage() {
    speak(language() === 'zh' ? 'en' : 'zh');
    readChoices().catch(complain);
  }

  /** @param {Event} event */
  skip(event) {
    event.preventDefault();
    /** @type {HTMLElement} */ (this.renderRoot.querySelector('main')).focus();
  }

  showKeys() {
    /** @type {any} */ (this.renderRoot.querySelector('key-sheet')).show();
  }

  /** @param {import('./state/gallery.js').Image[]} images */
  compare([one, other]) {
    go(`image/${other.request_id}/${other.sha256}/${one.sha256}`);
  }

  async compose() {
    go('create');
    this.page = 'create';
    await this.updateComplete;
    /** @type {any} */ (this.renderRoot.querySelector('studio-view'))?.focusPrompt();
  }

  async search() {
    if (this.page !== 'create') go('gallery');
    await this.updateComplete;
    /** @type {any} */ (this.renderRoot.querySelector('studio-view'))?.focusSearch();
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || !session.value.signedIn || route.value.page === 'image') return;
    const pages = this.pages();
    const page = pages[Number(event.key) - 1];
    const keys = { '?': () => this.showKeys(), n: () => this.compose(), '/': () => this.search() };
    const act = page ? () => go(page.name) : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** Pictures that are dropped or pasted anywhere go into the tray. @param {Event} event @param {DataTransfer | null} brought */
  brought(event, brought) {
    const files = filesOf(brought).filter((one) => one.type.startsWith('image/'));
    if (event.defaultPrevented || !session.value.signedIn || !mayUse()) return;
    if (event.type === 'drop') event.preventDefault();
    if (!files.length) return;
    void takePictures(files);
    if (route.value.page !== 'create') go('create');
  }
}

/** @param {KeyboardEvent} event */
function isTyping(event) {
  const target = /** @type {HTMLElement} */ (event.composedPath()[0]);
  return /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName ?? '') && /** @type {any} */ (target).type !== 'checkbox';
}

customElements.define('studio-app', StudioApp);
