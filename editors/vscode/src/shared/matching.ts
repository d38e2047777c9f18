/** The names that a query may mean, the likeliest first. */
export function best(names: string[], query: string, count: number): string[] {
  const wanted = query.toLowerCase();
  const scored = names
    .map((name) => ({ name, score: score(name.toLowerCase(), wanted) }))
    .filter(({ score }) => score >= 0);
  scored.sort((a, b) => a.score - b.score || a.name.length - b.name.length || (a.name < b.name ? -1 : 1));
  return scored.slice(0, count).map(({ name }) => name);
}

/** Less is better: how the last part begins, what is in it, what is in the path, its letters in order. */
function score(name: string, wanted: string): number {
  const last = name.slice(name.replace(/\/$/, '').lastIndexOf('/') + 1);
  if (last.startsWith(wanted)) return 0;
  if (name.startsWith(wanted)) return 1;
  if (last.includes(wanted)) return 2;
  if (name.includes(wanted)) return 3;
  let at = 0;
  for (const letter of wanted) {
    at = name.indexOf(letter, at) + 1;
    if (at === 0) return -1;
  }
  return 4;
}
