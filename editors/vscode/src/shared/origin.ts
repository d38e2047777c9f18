/** Scheme, host and port of an http address, as a browser writes them: `https://api.example.com:8443`. */
export function originOf(address: string): string | undefined {
  try {
    const url = new URL(address.trim());
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.origin : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Keys as environment variables of the server, one each, and `ROO_ORIGIN_KEYS`, which says to which origin each
 * may go, in the way of roo-lsp: `https://api.example.com=ROO_ORIGIN_1_KEY …`.
 */
export function keyVariables(keys: ReadonlyMap<string, string>): Record<string, string> {
  const variables: Record<string, string> = {};
  const names: string[] = [];
  for (const [origin, key] of keys) {
    const name = `ROO_ORIGIN_${names.length + 1}_KEY`;
    variables[name] = key;
    names.push(`${origin}=${name}`);
  }
  if (names.length > 0) variables.ROO_ORIGIN_KEYS = names.join(' ');
  return variables;
}
