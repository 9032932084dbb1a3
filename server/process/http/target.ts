// The target of a request line: a path with its query, or the absolute form `http://host/path?query`, which every
// server must take and whose host counts instead of the Host header (RFC 9112, section 3.2.2).

export interface Target {
  /** Begins with a slash, except for what is no HTTP target (`*`). */
  readonly url: string;
  readonly host: string | undefined;
}

export function parseTarget(target: string, host: string | undefined): Target {
  if (target.startsWith('/')) return { url: target, host };
  const absolute = /^https?:\/\/([^/?#]*)/i.exec(target);
  if (absolute === null) return { url: target, host };
  const rest = target.slice(absolute[0].length);
  return { url: rest.startsWith('/') ? rest : `/${rest}`, host: absolute[1] };
}
