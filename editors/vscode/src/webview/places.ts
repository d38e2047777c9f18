import type { Facts } from '../shared/protocol';

let folders: Facts['folders'] = [];

export function useFolders(all: Facts['folders']): void {
  folders = all;
}

/** A path as people know it: below its workspace folder, whose name it begins with where there are several. */
export function shown(path: string): string {
  for (const folder of folders) {
    const inside = path.startsWith(`${folder.path}/`) ? path.slice(folder.path.length + 1) : undefined;
    if (inside !== undefined) return folders.length > 1 ? `${folder.name}/${inside}` : inside;
  }
  return path;
}
