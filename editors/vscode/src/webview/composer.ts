import type { Attachment, Facts, Offer } from '../shared/protocol';
import { AutoApprove } from './auto';
import { h, icon, iconButton } from './dom';
import { taken } from './dropped';
import { Suggestions } from './suggestions';

export interface Writing {
  send: (text: string, mode: string, profile: string, instead: number | undefined) => void;
  cancel: () => void;
  mode: (mode: string) => void;
  profile: (profile: string) => void;
  model: () => void;
  detach: (index: number) => void;
  attachImage: (name: string, uri: string) => void;
  attachFiles: (uris: string[]) => void;
  offers: (query: string) => void;
  prompts: () => void;
  enhance: (text: string) => void;
  auto: (kind: string, on: boolean) => void;
  draft: (text: string) => void;
}

/** How long nothing is typed before what was typed is kept. */
const KEEP_MS = 100;
/** What is left of a word that something is offered for: `@src/a`, `/rev` at the beginning. */
const ASKED = /(?:^|\s)(@(?:[^\s\\]|\\ )*)$|^(\/[\w:.-]*)$/;

/** Where the user writes. */
export class Composer {
  private readonly text = h('textarea', {
    rows: '1',
    'aria-label': 'Message to Roo',
    placeholder: 'What should Roo do?',
    input: () => this.typed(),
    keydown: (event) => this.key(event as KeyboardEvent),
    paste: (event) => this.pasted(event as ClipboardEvent),
    blur: () => this.suggestions.hide(),
    focus: () => this.writing.prompts(),
  });
  private readonly suggestions = new Suggestions(this.text, (offer) => this.complete(offer));
  private readonly chips = h('div', { class: 'chips' });
  private readonly anew = h(
    'div',
    { class: 'anew', role: 'status', hidden: true },
    icon('history'),
    h('span', { class: 'grow' }, 'In place of what you said before. What came of it is taken back.'),
    iconButton('close', 'Say it as a new message', () => this.instead(undefined)),
  );
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
  private readonly modelName = h('span', { class: 'grow' }, 'Model');
  private readonly model = h(
    'button',
    { class: 'model', title: 'Choose the model', click: () => this.writing.model() },
    this.modelName,
  );
  private readonly auto = new AutoApprove((kind, on) => this.writing.auto(kind, on));
  private readonly enhance = iconButton('sparkle', 'Put the prompt better', () =>
    this.writing.enhance(this.text.value.trim()),
  );
  private readonly go = iconButton('send', 'Send (Enter)', () => this.act());
  readonly element = h(
    'section',
    { class: 'composer', 'aria-label': 'Write to Roo' },
    this.suggestions.element,
    this.auto.panel,
    h(
      'div',
      {
        class: 'box',
        dragover: (event) => this.dragged(event as DragEvent),
        dragleave: () => this.element.classList.remove('dropping'),
        drop: (event) => this.dropped(event as DragEvent),
      },
      this.anew,
      this.chips,
      this.text,
      h(
        'div',
        { class: 'tools' },
        this.modes,
        this.profiles,
        this.model,
        this.auto.button,
        h('span', { class: 'space' }),
        this.enhance,
        this.go,
      ),
    ),
  );
  /** The place of the earlier message that is being written anew. */
  private place: number | undefined;
  private running = false;
  private keeping: number | undefined;
  private ready = false;
  private prompts: string[] = [];
  /** How far back in the prompts, and what was written before. */
  private back = { at: -1, text: '' };
  private asked = '';
  private has: (command: string) => boolean = () => false;

  constructor(private readonly writing: Writing) {}

  focus(): void {
    this.text.focus();
  }

  facts(facts: Facts): void {
    this.has = (command) => facts.commands.includes(command);
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
    const local = facts.local?.models ?? [];
    this.modelName.textContent =
      facts.model || (local.length === 1 ? (local[0] ?? '') : '') || 'Choose a model';
    this.ready = facts.ready;
    this.element.classList.toggle('off', !facts.ready);
    this.auto.facts(facts);
    this.draw();
  }

  mode(slug: string): void {
    this.modes.value = slug;
  }

  /** What the words would be now. */
  state(now: { running: boolean; task: boolean; asks: boolean; waits: boolean }): void {
    this.running = now.running;
    this.text.placeholder = now.asks
      ? 'Your answer'
      : now.waits
        ? 'Roo waits for your decision above'
        : now.running
          ? 'Add something while Roo works'
          : now.task
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
          icon(each.image ? 'file-media' : 'file'),
          h('span', { class: 'grow' }, each.label),
          iconButton('close', `Leave out ${each.label}`, () => this.writing.detach(index)),
        ),
      ),
    );
  }

  /** What could not be sent, or comes back, is there to be changed. */
  giveBack(text: string): void {
    const now = this.text.value.trim();
    this.text.value = now && now !== text ? `${text}\n\n${now}` : text;
    this.typed();
  }

  /** What was being written before the page came anew. */
  draft(text: string): void {
    this.text.value = text;
    this.typed();
  }

  /** Another text in its place: an earlier message, where it has a place, to be said anew. */
  put(text: string, entry?: number): void {
    this.text.value = text;
    this.typed();
    this.instead(entry);
    this.text.focus();
  }

  /** What is sent next is said in place of an earlier message, or is a new one. */
  instead(entry: number | undefined): void {
    this.place = entry;
    this.anew.hidden = entry === undefined;
  }

  offer(query: string, offers: Offer[]): void {
    if (query === this.asked && query !== '') this.suggestions.show(offers);
  }

  history(prompts: string[]): void {
    this.prompts = prompts;
  }

  private typed(): void {
    this.text.style.height = 'auto';
    this.text.style.height = `${this.text.scrollHeight}px`;
    this.back = { at: -1, text: '' };
    this.draw();
    this.asked = this.word()?.query ?? '';
    if (this.asked) this.writing.offers(this.asked);
    else this.suggestions.hide();
    clearTimeout(this.keeping);
    this.keeping = window.setTimeout(() => this.writing.draft(this.text.value), KEEP_MS);
  }

  private draw(): void {
    const stop = this.running && !this.text.value.trim();
    const label = stop ? 'Stop (Escape)' : 'Send (Enter)';
    this.go.replaceChildren(icon(stop ? 'debug-stop' : 'send'));
    this.go.title = label;
    this.go.setAttribute('aria-label', label);
    this.enhance.hidden = !this.has('roo.prompt.enhance') || !this.text.value.trim();
  }

  private key(event: KeyboardEvent): void {
    if (event.isComposing || this.suggestions.key(event)) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      if (this.text.value.trim()) this.act();
    } else if (
      (event.key === 'ArrowUp' || event.key === 'ArrowDown') &&
      this.recall(event.key === 'ArrowUp')
    ) {
      event.preventDefault();
    }
  }

  /** An earlier prompt in place of the text, or a later one; false where the arrow only moves the cursor. */
  private recall(earlier: boolean): boolean {
    const { at } = this.back;
    if (at < 0 && (!earlier || this.text.value !== '')) return false;
    const next = at + (earlier ? 1 : -1);
    const text = next < 0 ? this.back.text : this.prompts[next];
    if (text === undefined) return at >= 0;
    const before = at < 0 ? this.text.value : this.back.text;
    this.text.value = text;
    this.typed();
    this.suggestions.hide();
    this.asked = '';
    this.back = { at: next, text: before };
    return true;
  }

  private act(): void {
    const text = this.text.value.trim();
    if (text && this.ready) {
      this.text.value = '';
      this.typed();
      clearTimeout(this.keeping);
      this.writing.draft('');
      this.writing.send(text, this.modes.value, this.profiles.value, this.place);
      this.instead(undefined);
    } else if (!text && this.running) this.writing.cancel();
  }

  // --- images and files ---------------------------------------------------------------------------

  private pasted(event: ClipboardEvent): void {
    if (event.clipboardData && this.add(event.clipboardData)) event.preventDefault();
  }

  private dragged(event: DragEvent): void {
    event.preventDefault();
    this.element.classList.add('dropping');
  }

  private dropped(event: DragEvent): void {
    event.preventDefault();
    this.element.classList.remove('dropping');
    if (event.dataTransfer && !this.add(event.dataTransfer)) {
      const text = event.dataTransfer.getData('text/plain');
      if (text) this.put(this.text.value + text, this.place);
    }
    this.text.focus();
  }

  private add(data: DataTransfer): boolean {
    return taken(
      data,
      (name, uri) => this.writing.attachImage(name, uri),
      (uris) => this.writing.attachFiles(uris),
    );
  }

  // --- suggestions --------------------------------------------------------------------------------

  /** The word that the cursor is in, where something is offered for it, and where it begins. */
  private word(): { query: string; start: number } | undefined {
    const before = this.text.value.slice(0, this.text.selectionStart);
    const found = ASKED.exec(before);
    const query = found?.[1] ?? found?.[2];
    return query === undefined ? undefined : { query, start: before.length - query.length };
  }

  private complete(offer: Offer): void {
    const word = this.word();
    if (!word) return;
    const end = offer.text.endsWith('/') ? '' : ' ';
    this.text.setRangeText(offer.text + end, word.start, this.text.selectionStart, 'end');
    this.suggestions.hide();
    this.typed();
  }
}

function options(select: HTMLSelectElement, all: [string, string][], value: string): void {
  select.replaceChildren(...all.map(([id, name]) => h('option', { value: id }, name)));
  select.value = all.some(([id]) => id === value) ? value : (all[0]?.[0] ?? '');
}
