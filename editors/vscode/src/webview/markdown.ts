import MarkdownIt, { type Token } from 'markdown-it';
import { coloured } from './colours';
import { h, iconButton } from './dom';

const parser = new MarkdownIt({ html: false, linkify: false });

const BLOCKS = new Set([
  'p',
  'ul',
  'ol',
  'li',
  'blockquote',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'table',
  'thead',
  'tbody',
  'tr',
  'th',
  'td',
  'strong',
  'em',
  's',
  'a',
]);

/** Follows a link of the model: an address of the web, or a file. */
export type Follow = (href: string) => void;

/** Longer texts between two renderings take longer: at most this share of the time goes into them. */
const SHARE = 4;

/** A message that grows: what is finished stays as it is, only its last block is drawn again. */
export class GrowingMarkdown {
  readonly element = h('div', { class: 'markdown' });
  private tail = '';
  private tailNodes: Node[] = [];
  private waiting = false;
  private rest = 0;

  constructor(private readonly follow: Follow) {}

  append(text: string): void {
    this.tail += text;
    if (this.waiting) return;
    this.waiting = true;
    setTimeout(() => requestAnimationFrame(() => this.draw()), this.rest);
  }

  private draw(): void {
    const start = performance.now();
    this.waiting = false;
    const { blocks, rest } = cut(this.tail);
    for (const node of this.tailNodes) node.parentNode?.removeChild(node);
    this.element.append(...build(blocks, this.follow));
    this.tail = rest;
    this.tailNodes = build(parser.parse(rest, {}), this.follow, true);
    this.element.append(...this.tailNodes);
    this.rest = Math.min(1000, (performance.now() - start) * SHARE);
  }
}

/** Markdown that is whole. */
export function markdown(text: string, follow: Follow): HTMLElement {
  return h('div', { class: 'markdown' }, ...build(parser.parse(text, {}), follow));
}

/** All but the last block, which may go on, and the text of that one. */
function cut(text: string): { blocks: Token[]; rest: string } {
  const tokens = parser.parse(text, {});
  let last = tokens.length - 1;
  while (last > 0 && tokens[last]?.level !== 0) last--;
  while (last > 0 && !(tokens[last]?.level === 0 && (tokens[last]?.nesting ?? 0) >= 0)) last--;
  const line = tokens[last]?.map?.[0] ?? 0;
  if (last <= 0 || line === 0) return { blocks: [], rest: text };
  // References are defined anywhere: a text that has some is kept whole.
  if (/^ {0,3}\[[^\]]+\]:/m.test(text)) return { blocks: [], rest: text };
  return { blocks: tokens.slice(0, last), rest: text.split('\n').slice(line).join('\n') };
}

/** Nodes made of tokens, element by element: nothing the model writes is ever parsed as HTML. */
function build(tokens: Token[], follow: Follow, growing = false): Node[] {
  const root = h('div');
  const open: Element[] = [root];
  for (const token of tokens) {
    const parent = open.at(-1) ?? root;
    if (token.hidden) continue;
    if (token.nesting === 1) {
      const element = opened(token, follow);
      parent.append(element);
      open.push(element);
    } else if (token.nesting === -1) {
      if (open.length > 1) open.pop();
    } else {
      parent.append(...leaf(token, follow, growing));
    }
  }
  return [...root.childNodes];
}

function opened(token: Token, follow: Follow): Element {
  if (token.tag === 'a') return link(String(token.attrGet('href') ?? ''), follow);
  if (!BLOCKS.has(token.tag)) return h('span');
  const element = document.createElement(token.tag);
  const start = token.tag === 'ol' ? token.attrGet('start') : null;
  if (start) element.setAttribute('start', String(start));
  const align = /text-align:(left|right|center)/.exec(String(token.attrGet('style') ?? ''))?.[1];
  if (align) element.setAttribute('class', `align-${align}`);
  return element;
}

/** No `href`: nothing happens but what we do when it is clicked. The address is shown before. */
function link(href: string, follow: Follow): Element {
  const click = (event: Event) => {
    event.preventDefault();
    follow(href);
  };
  const keydown = (event: Event) => (event as KeyboardEvent).key === 'Enter' && click(event);
  return h('a', { role: 'link', tabindex: '0', title: href, click, keydown });
}

function leaf(token: Token, follow: Follow, growing: boolean): (Node | string)[] {
  switch (token.type) {
    case 'inline':
      return build(token.children ?? [], follow);
    case 'fence':
    case 'code_block':
      return [codeBlock(token.content, token.info.trim().split(/\s/, 1)[0] ?? '', growing)];
    case 'code_inline':
      return [h('code', {}, token.content)];
    case 'softbreak':
      return ['\n'];
    case 'hardbreak':
      return [h('br')];
    case 'hr':
      return [h('hr')];
    case 'image':
      return [
        h('span', { class: 'image', title: String(token.attrGet('src') ?? '') }, `[image: ${token.content}]`),
      ];
    default:
      return [token.content];
  }
}

/** What is done with a block of code besides copying it. */
type UseCode = (what: 'insert' | 'apply', text: string) => void;
let useCode: UseCode = () => {};

export function onCode(use: UseCode): void {
  useCode = use;
}

/** A block of code; one that still grows is coloured when it is whole. */
function codeBlock(text: string, language: string, growing: boolean): HTMLElement {
  const code = text.replace(/\n$/, '');
  return h(
    'div',
    { class: 'code-block' },
    h(
      'div',
      { class: 'code-head' },
      h('span', { class: 'grow' }, language),
      iconButton('insert', 'Insert at the cursor', () => useCode('insert', code)),
      iconButton('replace', 'Replace the selection', () => useCode('apply', code)),
      iconButton('copy', 'Copy', () => void navigator.clipboard.writeText(text)),
    ),
    h(
      'pre',
      { tabindex: '0' },
      h('code', {}, ...(growing ? [code] : coloured(code, language.toLowerCase()))),
    ),
  );
}
