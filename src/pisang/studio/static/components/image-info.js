/** All that is known of an image: what was asked, what came, what it cost, whence it comes. */
import { css, html, nothing } from '../vendor/lit.js';
import { bytesText, costText, momentText, tookText } from '../format.js';
import { t } from '../i18n/index.js';
import { previewUrl } from '../state/previews.js';
import { asCommand, asCurl, asPython } from '../state/recipes.js';
import { complain, say } from '../state/toasts.js';
import { icon } from '../styles/icons.js';
import { StudioElement } from './element.js';

const FORMATS = ['png', 'jpeg', 'webp', 'avif'];

class ImageInfo extends StudioElement {
  static properties = { image: { attribute: false }, story: { attribute: false } };

  static styles = [
    ...StudioElement.styles,
    css`
      :host { padding: var(--space-4) var(--space-5) var(--space-5); }
      section { padding-block: var(--space-4); border-top: 1px solid var(--line); }
      section:first-child { border: 0; padding-top: 0; }
      .prompt { white-space: pre-wrap; overflow-wrap: anywhere; max-height: 14rem; overflow: auto; font-size: var(--text-m); }
      h3 { margin-bottom: var(--space-2); font-size: var(--text-s); color: var(--ink-soft); }
      dl { display: grid; grid-template-columns: minmax(5.5rem, auto) 1fr; gap: var(--space-1) var(--space-4); font-size: var(--text-s); }
      dt { color: var(--ink-soft); } dd { overflow-wrap: anywhere; }
      .otherwise { color: var(--warn); font-weight: 600; }
      .hash { font-size: var(--text-xs); overflow-wrap: anywhere; }
      .copies { margin: var(--space-2) calc(-1 * var(--space-3)) 0; gap: 0; }
      .from { display: flex; gap: var(--space-2); flex-wrap: wrap; }
      .from img { width: 4rem; height: 4rem; object-fit: cover; border-radius: var(--radius-m); display: block; }
      .note { margin-top: var(--space-2); }
    `,
  ];

  render() {
    const { image, story } = this;
    const prompt = story?.prompt ?? image.prompt ?? '';
    return html`
      <section>
        <p class="prompt">${prompt}</p>
        <div class="row wrap copies">
          ${this.copy('viewer.copy-prompt', prompt)}
          ${story ? [this.copy('viewer.copy-cli', asCommand(this.recipe)), this.copy('viewer.copy-python', asPython(this.recipe)), this.copy('viewer.copy-curl', asCurl(this.recipe))] : nothing}
        </div>
      </section>
      <section><h3>${t('info.shape')}</h3><dl>${this.shape()}</dl></section>
      ${story ? html`<section><h3>${t('info.made')}</h3><dl>${this.made()}</dl>
        ${story.warnings.map((/** @type {any} */ one) => html`<p class="note warn">${one.message}</p>`)}
        ${story.text ? html`<h3>${t('info.text')}</h3><p class="small">${story.text}</p>` : nothing}</section>` : nothing}
      ${this.lineage()}
      <section><h3>${t('info.download')}</h3>
        <div class="row wrap">
          <a class="button" href=${`${image.url}?download=1`} download>${icon('download')}${t('info.original')}</a>
          ${FORMATS.map((format) => html`<a class="button quiet" href=${`${image.url}?as=${format}&download=1`} download>${format.toUpperCase()}</a>`)}
        </div>
      </section>
      <section><h3>SHA-256</h3><p class="mono hash">${image.sha256}</p><p class="mono hash faint">${image.request_id}</p></section>`;
  }

  get recipe() {
    const { image, story } = this;
    const parent = image.parent ?? story.images.find((/** @type {any} */ one) => one.sha256 === image.sha256)?.parent ?? null;
    return { ...story, ...this.asked, n: story.n, parent };
  }

  /** The shape that was asked for. */
  get asked() {
    const { image, story } = this;
    const found = story?.images.find((/** @type {any} */ one) => one.sha256 === image.sha256);
    return found?.requested ?? { aspect_ratio: image.aspect_ratio ?? null, image_size: image.image_size ?? null };
  }

  shape() {
    const { image } = this;
    const { aspect_ratio: ratio, image_size: size } = this.asked;
    return html`
      ${fact('info.requested', [ratio ?? t('info.free'), size ?? t('info.free')].join(' · '))}
      ${fact('info.actual', `${image.width} × ${image.height} px`, !fits(image, ratio))}
      ${fact('info.file', [image.mime, image.bytes ? bytesText(image.bytes) : ''].filter(Boolean).join(' · '))}`;
  }

  made() {
    const { story } = this;
    const attempt = story.attempts.find((/** @type {any} */ one) => one.state === 'done') ?? story.attempts[0];
    const took_s = attempt?.ended_ms && attempt?.sent_ms ? (attempt.ended_ms - attempt.sent_ms) / 1000 : null;
    return html`
      ${fact('info.model', story.model)} ${fact('info.upstream', story.upstream)}
      ${fact('info.cost', costText(story.cost))}
      ${fact('info.when', momentText(story.created_at))}
      ${took_s === null ? nothing : fact('info.took', tookText(took_s))}
      ${story.tags.length ? fact('info.tags', story.tags.join(', ')) : nothing}`;
  }

  lineage() {
    const parent = this.story ? this.recipe.parent : this.image.parent;
    if (!parent) return nothing;
    return html`<section><h3>${t('info.from')}</h3>
      <div class="from">
        <a href="#/image/-/${parent}" aria-label=${t('info.open-parent')}><img src=${previewUrl(parent)} alt="" /></a>
        <button @click=${() => this.tell('compare-with', parent)}>${icon('compare')}${t('info.compare-parent')}</button>
      </div></section>`;
  }

  /** @param {string} name @param {string} text */
  copy(name, text) {
    return html`<button class="quiet" @click=${() => copyText(text)}>${icon('copy')}${t(name)}</button>`;
  }
}

/** @param {string} text */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    say(t('viewer.copied'));
  } catch (error) {
    complain(error);
  }
}

const SLACK = 0.03;

/** Whether the picture is of the shape that was asked for. @param {any} image @param {string | null} ratio */
function fits({ width, height }, ratio) {
  if (!ratio) return true;
  const [wide, high] = ratio.split(':').map(Number);
  return Math.abs((width / height) * (high / wide) - 1) < SLACK;
}

/** @param {string} name @param {string} value */
const fact = (name, value, otherwise = false) => html`<dt>${t(name)}</dt><dd class="number ${otherwise ? 'otherwise' : ''}">${value}</dd>`;

customElements.define('image-info', ImageInfo);
