/** What VS Code's own lists carry when something is dragged out of them. */
const URI_LISTS = ['application/vnd.code.uri-list', 'text/uri-list'];

/**
 * What was pasted or dropped, taken as images and files; false where there is neither.
 *
 * Files from outside have no path here: of those only images are taken, by their content.
 */
export function taken(
  data: DataTransfer,
  image: (name: string, uri: string) => void,
  files: (uris: string[]) => void,
): boolean {
  const images = [...data.files].filter((file) => file.type.startsWith('image/'));
  for (const file of images) {
    const reader = new FileReader();
    reader.addEventListener('load', () => image(file.name, String(reader.result)));
    reader.readAsDataURL(file);
  }
  if (images.length > 0) return true;
  const uris = URI_LISTS.flatMap((type) => data.getData(type).split(/\r?\n/)).filter(
    (each) => each.startsWith('file:') || each.startsWith('vscode-remote:'),
  );
  if (uris.length > 0) files([...new Set(uris)]);
  return uris.length > 0;
}
