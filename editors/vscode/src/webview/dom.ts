type Child = Node | string | undefined | false;

/** An element with attributes and children; texts are texts, never markup. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | boolean | ((event: Event) => void)> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== false));
  return element;
}

/** One of VS Code's icons. */
export function icon(name: string, spinning = false): HTMLElement {
  return h('i', {
    class: `codicon codicon-${name}${spinning ? ' codicon-modifier-spin' : ''}`,
    'aria-hidden': 'true',
  });
}

export function iconButton(name: string, label: string, click: () => void): HTMLButtonElement {
  return h('button', { class: 'icon-button', title: label, 'aria-label': label, click }, icon(name));
}

export function button(
  label: string | Node,
  kind: 'primary' | 'secondary',
  click: () => void,
  tip = '',
): HTMLButtonElement {
  return h('button', { class: kind, click, ...(tip ? { title: tip } : {}) }, label);
}

export const plural = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`;

/** A button that looks like words in a line. */
export const linkButton = (label: string, click: () => void) => h('button', { class: 'link', click }, label);

/** Seconds as people say them: `0.4 s`, `12 s`, `3 min 5 s`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
