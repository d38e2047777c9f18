import { common, createLowlight } from 'lowlight';
import { h } from './dom';

const lowlight = createLowlight(common);

/** Longer texts stay plain: colours are not worth waiting for. */
const MOST = 60_000;

type Tree = ReturnType<typeof lowlight.highlight>['children'][number];

/** The language of a file, by the end of its name. */
export const languageOf = (path: string) => path.slice(path.lastIndexOf('.') + 1).toLowerCase();

/** The text as nodes, coloured where its language is known: elements are made here, none is parsed. */
export function coloured(text: string, language: string): Node[] {
  if (!language || text.length > MOST || !lowlight.registered(language))
    return [document.createTextNode(text)];
  return lowlight.highlight(language, text).children.map(node);
}

/** The same, line by line. */
export function colouredLines(text: string, language: string): Node[][] | undefined {
  if (text.length > MOST || !lowlight.registered(language)) return undefined;
  const lines: Node[][] = [[]];
  const walk = (tree: Tree, classes: string) => {
    if (tree.type === 'element') {
      for (const child of tree.children) walk(child as Tree, classesOf(tree) || classes);
    } else if (tree.type === 'text') {
      tree.value.split(/\r\n|\r|\n/).forEach((piece, at) => {
        if (at > 0) lines.push([]);
        if (piece)
          lines.at(-1)?.push(classes ? h('span', { class: classes }, piece) : document.createTextNode(piece));
      });
    }
  };
  for (const each of lowlight.highlight(language, text).children) walk(each, '');
  return lines;
}

function node(tree: Tree): Node {
  if (tree.type === 'element')
    return h('span', { class: classesOf(tree) }, ...tree.children.map((each) => node(each as Tree)));
  return document.createTextNode(tree.type === 'text' ? tree.value : '');
}

function classesOf(tree: Tree & { type: 'element' }): string {
  const names = tree.properties.className;
  return Array.isArray(names) ? names.join(' ') : '';
}
