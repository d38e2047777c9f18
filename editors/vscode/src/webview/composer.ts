import type { Attachment, Facts } from '../shared/protocol';
import { h, icon, iconButton } from './dom';

export interface Writing {
  send: (text: string, mode: string, profile: string) => void;
  cancel: () => void;
  mode: (mode: string) => void;
  profile: (profile: string) => void;
  model: () => void;
  detach: (index: number) => void;
  files: (query: string) => void;
}

/** Where the user writes. */
export class Composer {
  private readonly text = h('textarea', {
    rows: '1',
    'aria-label': 'Message to Roo',
    placeholder: 'What should Roo do?',
    input: () => this.typed(),
    keydown: (event) => this.key(event as KeyboardEvent),
  });
  private readonly chips = h('div', { class: 'chips' });
  private readonly mentions = h('div', { class: 'mentions', role: 'listbox', hidden: true });
  private readonly modes = h('select', {
    'aria-label': 'Mode',
    title: 'Mode',
    change: () => this.writing.mode(this.modes.value),
  });
  private readonly profiles = h('select', {
    'aria-label': 'Profile',
    title: 'Profile',
    hidden: true,
    change: () => this.writing.profile(this.profiles.value),
  });
  private readonly model = h('button', {
    class: 'model',
    title: 'Select the model',
    click: () => this.writing.model(),
  });
  private readonly go = iconButton('send', 'Send (Enter)', () => this.act());
  readonly element = h(
    'div',
    { class: 'composer' },
    this.mentions,
    h(
      'div',
      { class: 'box' },
      this.chips,
      this.text,
      h(
        'div',
        { class: 'tools' },
        this.modes,
        this.profiles,
        this.model,
        h('span', { class: 'grow' }),
        this.go,
      ),
    ),
  );
  private running = false;
  private chosen = 0;

  constructor(private readonly writing: Writing) {}

  focus(): void {
    this.text.focus();
  }

  facts(facts: Facts): void {
    options(
      this.modes,
      facts.modes.map((mode) => [mode.slug, mode.name]),
      this.modes.value || facts.mode,
    );
    options(
      this.profiles,
      [['', 'Default'], ...facts.profiles.map((name): [string, string] => [name, name])],
      this.profiles.value || facts.profile,
    );
    this.profiles.hidden = facts.profiles.length === 0;
    this.model.textContent = facts.model || 'Model';
    this.element.classList.toggle('off', !facts.ready);
  }

  mode(slug: string): void {
    this.modes.value = slug;
  }

  state(running: boolean, task: boolean): void {
    this.running = running;
    this.text.placeholder = running
      ? 'Add something while Roo works'
      : task
        ? 'Go on with this task'
        : 'What should Roo do?';
    this.draw();
  }

  attachments(all: Attachment[]): void {
    this.chips.replaceChildren(
      ...all.map((each, index) =>
        h(
          'span',
          { class: 'chip' },
          icon('file'),
          each.label,
          iconButton('close', `Leave out ${each.label}`, () => this.writing.detach(index)),
        ),
      ),
    );
  }

  /** What could not be sent is there to be changed. */
  giveBack(text: string): void {
    if (!this.text.value) this.text.value = text;
    this.typed();
  }

  offer(query: string, files: string[]): void {
    if (query !== this.mention()?.query) return;
    this.chosen = 0;
    this.mentions.hidden = files.length === 0;
    this.mentions.replaceChildren(
      ...files.map((file, index) =>
        h(
          'div',
          {
            class: index === 0 ? 'mention chosen' : 'mention',
            role: 'option',
            mousedown: (event) => {
              event.preventDefault();
              this.complete(file);
            },
          },
          icon('file'),
          file,
        ),
      ),
    );
  }

  private typed(): void {
    this.text.style.height = 'auto';
    this.text.style.height = `${Math.min(this.text.scrollHeight, 220)}px`;
    this.draw();
    const mention = this.mention();
    if (mention) this.writing.files(mention.query);
    else this.mentions.hidden = true;
  }

  private draw(): void {
    const stop = this.running && !this.text.value.trim();
    const label = stop ? 'Stop' : 'Send (Enter)';
    this.go.replaceChildren(icon(stop ? 'debug-stop' : 'send'));
    this.go.title = label;
    this.go.setAttribute('aria-label', label);
  }

  private key(event: KeyboardEvent): void {
    if (event.isComposing) return;
    const files = [...this.mentions.children];
    if (!this.mentions.hidden && files.length > 0) {
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        files[this.chosen]?.classList.remove('chosen');
        this.chosen = (this.chosen + (event.key === 'ArrowDown' ? 1 : files.length - 1)) % files.length;
        files[this.chosen]?.classList.add('chosen');
        files[this.chosen]?.scrollIntoView({ block: 'nearest' });
      } else if (event.key === 'Enter' || event.key === 'Tab') {
        this.complete(files[this.chosen]?.textContent ?? '');
      } else if (event.key === 'Escape') {
        this.mentions.hidden = true;
        event.stopPropagation();
      } else return;
      event.preventDefault();
    } else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      if (this.text.value.trim()) this.act();
    }
  }

  private act(): void {
    const text = this.text.value.trim();
    if (text) {
      this.text.value = '';
      this.typed();
      this.writing.send(text, this.modes.value, this.profiles.value);
    } else if (this.running) this.writing.cancel();
  }

  /** The `@name` that the cursor is in, and where it begins. */
  private mention(): { query: string; start: number } | undefined {
    const before = this.text.value.slice(0, this.text.selectionStart);
    const found = /(?:^|\s)@([\w./-]*)$/.exec(before);
    return found ? { query: found[1] ?? '', start: before.length - (found[1] ?? '').length } : undefined;
  }

  private complete(file: string): void {
    const mention = this.mention();
    if (!mention) return;
    this.text.setRangeText(`${file} `, mention.start, this.text.selectionStart, 'end');
    this.mentions.hidden = true;
    this.typed();
  }
}

function options(select: HTMLSelectElement, all: [string, string][], value: string): void {
  select.replaceChildren(...all.map(([id, name]) => h('option', { value: id }, name)));
  select.value = all.some(([id]) => id === value) ? value : (all[0]?.[0] ?? '');
}
