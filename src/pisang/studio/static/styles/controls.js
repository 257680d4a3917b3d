/** What every element of the studio looks alike in: buttons, fields, chips, headings. */
import { css } from '../vendor/lit.js';

export const controls = css`
  :host { display: block; }
  :host([hidden]), [hidden] { display: none !important; }
  *, *::before, *::after { box-sizing: border-box; }

  h1, h2, h3, p, ul, ol, dl, dd, figure, fieldset { margin: 0; padding: 0; }
  ul, ol { list-style: none; }
  fieldset { border: 0; min-width: 0; }
  h1 { font-size: var(--text-xl); font-weight: 650; letter-spacing: -0.015em; line-height: 1.25; }
  h2 { font-size: var(--text-l); font-weight: 620; letter-spacing: -0.01em; line-height: 1.3; }
  h3 { font-size: var(--text-m); font-weight: 600; }
  code, .mono { font-family: var(--mono); font-size: 0.92em; }
  a { color: var(--accent-ink); text-underline-offset: 0.2em; }
  .number { font-variant-numeric: tabular-nums; }
  .soft { color: var(--ink-soft); }
  .faint { color: var(--ink-faint); }
  .small { font-size: var(--text-s); }
  .unseen {
    position: absolute; width: 1px; height: 1px; overflow: hidden;
    clip-path: inset(50%); white-space: nowrap;
  }

  :focus { outline: none; }
  :focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }

  button, .button {
    display: inline-flex; align-items: center; justify-content: center; gap: var(--space-2);
    min-height: 2.25rem; padding: 0 var(--space-3); border: 1px solid var(--line);
    border-radius: var(--radius-m); background: var(--surface); color: var(--ink);
    font: 550 var(--text-s) / 1.2 var(--font); text-decoration: none; cursor: pointer;
    white-space: nowrap; transition: background var(--quick), border-color var(--quick), color var(--quick);
  }
  button:hover, .button:hover { background: var(--sunken); border-color: var(--line-strong); }
  button:disabled { opacity: 0.5; cursor: not-allowed; }
  button.primary {
    background: var(--accent); border-color: transparent; color: var(--on-accent); font-weight: 650;
  }
  button.primary:hover:not(:disabled) { background: var(--accent-hover); }
  button.quiet, .button.quiet { background: transparent; border-color: transparent; color: var(--ink-soft); }
  button.quiet:hover:not(:disabled), .button.quiet:hover { background: var(--sunken); color: var(--ink); }
  button.danger { color: var(--bad); }
  button.danger:hover:not(:disabled) { background: var(--bad-soft); border-color: var(--bad); }
  button.icon, .button.icon { padding: 0; width: 2.25rem; flex: none; }
  button[aria-pressed='true'], button[aria-expanded='true'].toggle {
    background: var(--accent-soft); border-color: transparent; color: var(--accent-ink);
  }

  input, select, textarea {
    width: 100%; min-height: 2.25rem; padding: var(--space-1) var(--space-3);
    border: 1px solid var(--line-strong); border-radius: var(--radius-m); background: var(--surface);
    color: var(--ink); font: 400 var(--text-m) / 1.4 var(--font);
    transition: border-color var(--quick), box-shadow var(--quick);
  }
  select {
    appearance: none; padding-right: var(--space-6); text-overflow: ellipsis;
    background-image: linear-gradient(45deg, transparent 50%, var(--ink-soft) 50%),
      linear-gradient(-45deg, transparent 50%, var(--ink-soft) 50%);
    background-position: right 17px center, right 12px center;
    background-size: 5px 5px; background-repeat: no-repeat;
  }
  textarea { resize: none; padding: var(--space-3); }
  input:focus-visible, select:focus-visible, textarea:focus-visible {
    outline: 2px solid var(--focus); outline-offset: -1px; border-color: transparent;
  }
  ::placeholder { color: var(--ink-faint); opacity: 1; }
  input[type='checkbox'] { width: 1.1rem; min-height: 1.1rem; height: 1.1rem; accent-color: var(--accent-ink); }

  label, .label { display: block; color: var(--ink-soft); font-size: var(--text-s); font-weight: 550; }
  label > input, label > select, label > textarea { margin-top: var(--space-1); }

  .card {
    border: 1px solid var(--line); border-radius: var(--radius-l); background: var(--surface);
  }
  .chip {
    display: inline-flex; align-items: center; gap: var(--space-1); padding: 0.125rem var(--space-2);
    border-radius: var(--radius-full); background: var(--sunken); color: var(--ink-soft);
    font-size: var(--text-xs); font-weight: 550; white-space: nowrap;
  }
  .chip.good { background: var(--good-soft); color: var(--good); }
  .chip.bad { background: var(--bad-soft); color: var(--bad); }
  .chip.warn { background: var(--warn-soft); color: var(--warn); }
  .note { padding: var(--space-2) var(--space-3); border-radius: var(--radius-m); font-size: var(--text-s); overflow-wrap: anywhere; }
  .note.bad { background: var(--bad-soft); color: var(--bad); }
  .note.warn { background: var(--warn-soft); color: var(--warn); }
  .note.good { background: var(--good-soft); color: var(--good); }
  progress { appearance: none; width: 100%; height: 4px; border: 0; border-radius: var(--radius-full); overflow: hidden; background: var(--sunken); }
  progress::-webkit-progress-bar { background: var(--sunken); }
  progress::-webkit-progress-value { background: var(--accent); transition: width 500ms linear; }
  progress::-moz-progress-bar { background: var(--accent); }
  .row { display: flex; align-items: center; gap: var(--space-2); }
  .row.wrap { flex-wrap: wrap; }
  .grow { flex: 1 1 auto; min-width: 0; }
  kbd {
    padding: 0.1em 0.45em; border: 1px solid var(--line); border-bottom-width: 2px;
    border-radius: var(--radius-s); background: var(--sunken); color: var(--ink-soft);
    font: 550 var(--text-xs) / 1.4 var(--font);
  }
  svg.i { width: 1.125rem; height: 1.125rem; flex: none; fill: none; stroke: currentColor;
    stroke-width: 1.75; stroke-linecap: round; stroke-linejoin: round; }
  svg.i.full { fill: currentColor; }

  dialog {
    width: min(36rem, calc(100vw - 2rem)); max-height: calc(100dvh - 2rem); padding: 0; border: 0; pointer-events: auto;
    border-radius: var(--radius-l); background: var(--raised); color: var(--ink);
    box-shadow: var(--shadow-2); overflow: auto;
  }
  dialog::backdrop { background: var(--scrim); }
`;
