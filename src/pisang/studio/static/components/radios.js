/** Radio groups of buttons are walked with the arrows, as the browser's own are. */

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** A `keydown` of a radio group: the next one that can be chosen. @param {KeyboardEvent} event */
export function step(event) {
  const by = STEPS[event.key];
  if (!by || event.altKey) return;
  event.preventDefault();
  const group = /** @type {HTMLElement} */ (event.currentTarget);
  const radios = [...group.querySelectorAll('[role=radio]:not([aria-disabled=true])')];
  const at = radios.indexOf(/** @type {Element} */ (event.target));
  const next = /** @type {HTMLElement} */ (radios[(at + by + radios.length) % radios.length]);
  next.focus();
  next.click();
}
