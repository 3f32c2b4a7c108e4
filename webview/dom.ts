/** Elements of a page, made by hand. */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

/** What an element may hold. */
export type Child = Node | string | number | undefined | false;

/** Attributes; listeners begin with `on`, a boolean attribute is there or not. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined | ((event: never) => void)>>;

/** An element with attributes and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value as EventListener);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...nodes(children));
  return element;
}

/** Replaces what an element holds. */
export function fill(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren(...nodes(children));
}

const nodes = (children: readonly Child[]): (Node | string)[] =>
  children.flatMap((child) =>
    child === undefined || child === false ? [] : [typeof child === 'number' ? String(child) : child],
  );

/** A button that does something. */
export function button(text: string, onclick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  return h('button', { type: 'button', ...attributes, onclick }, text);
}

/** A labelled choice of one of several values. */
export function choice<T extends string>(
  label: string,
  values: readonly (readonly [T, string])[],
  onchange: (value: T) => void,
): HTMLSelectElement {
  const select = h(
    'select',
    { 'aria-label': label, onchange: () => onchange(select.value as T) },
    ...values.map(([value, text]) => h('option', { value }, text)),
  );
  return select;
}

/** Tabs over panels: one is shown; arrow keys move between them. `onshow` hears which one. */
export function tabs(
  label: string,
  panels: readonly { readonly name: string; readonly panel: HTMLElement }[],
  onshow: (index: number) => void,
): { readonly list: HTMLElement; readonly shown: () => number; show(index: number): void } {
  let current = 0;
  const buttons = panels.map(({ name, panel }, index) => {
    panel.id = `panel-${index}`;
    panel.setAttribute('role', 'tabpanel');
    panel.setAttribute('aria-labelledby', `tab-${index}`);
    return h(
      'button',
      { type: 'button', role: 'tab', id: `tab-${index}`, 'aria-controls': panel.id, onclick: () => show(index) },
      name,
    );
  });
  const show = (index: number): void => {
    current = index;
    buttons.forEach((one, at) => {
      one.setAttribute('aria-selected', String(at === index));
      one.tabIndex = at === index ? 0 : -1;
    });
    panels.forEach(({ panel }, at) => (panel.hidden = at !== index));
    onshow(index);
  };
  const onkeydown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    const next = (current + step + panels.length) % panels.length;
    show(next);
    buttons[next]?.focus();
  };
  const list = h('div', { role: 'tablist', 'aria-label': label, onkeydown }, ...buttons);
  return { list, shown: () => current, show };
}
