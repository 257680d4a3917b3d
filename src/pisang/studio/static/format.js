/** Numbers, money and moments, as this reader's language writes them. */
import { locale, t } from './i18n/index.js';

/** @param {number} bytes */
export function bytesText(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const steps = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let step = -1;
  while (value >= 1000 && step < steps.length - 1) {
    value /= 1000;
    step += 1;
  }
  return `${value.toFixed(value < 10 ? 1 : 0)} ${steps[step]}`;
}

/** How long something took: to the tenth where that is much of it. @param {number} seconds */
export const tookText = (seconds) => (seconds < 9.95 ? t('time.seconds', { s: Math.max(0, seconds).toFixed(1) }) : secondsText(seconds));

/** @param {number} seconds */
export function secondsText(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return t('time.seconds', { s: whole });
  return t('time.minutes', { m: Math.floor(whole / 60), s: String(whole % 60).padStart(2, '0') });
}

/**
 * @param {string | null | undefined} amount decimal text
 * @param {string | null | undefined} currency
 */
export function moneyText(amount, currency) {
  if (amount === null || amount === undefined) return t('money.unknown');
  const short = amount.includes('.') ? amount.replace(/0+$/, '').replace(/\.$/, '') : amount;
  return currency ? `${short} ${currency}` : short;
}

/** @param {{amount: string | null, currency: string | null, basis: string}} cost */
export function costText(cost) {
  if (cost.basis === 'sandbox') return t('money.play');
  if (cost.basis === 'free') return t('money.free');
  return moneyText(cost.amount, cost.currency);
}

/** @param {string} iso */
export function momentText(iso) {
  return new Date(iso).toLocaleString(locale(), { dateStyle: 'medium', timeStyle: 'short' });
}

/** @param {number} count */
export const countText = (count) => count.toLocaleString(locale());
