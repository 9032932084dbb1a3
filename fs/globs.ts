// Which databases are meant: globs of their paths below the data directory. `*` stands for any characters of one name,
// `?` for one of them, `**` for any number of folders; everything else for itself. Pure.

/** With no `include` every path is meant; `exclude` wins. */
export function matcherOf(include: readonly string[], exclude: readonly string[]): (path: string) => boolean {
  const included = include.map(patternOf);
  const excluded = exclude.map(patternOf);
  const matches = (patterns: readonly RegExp[], path: string) => patterns.some((pattern) => pattern.test(path));
  return (path) => (included.length === 0 || matches(included, path)) && !matches(excluded, path);
}

function patternOf(glob: string): RegExp {
  return new RegExp(globSource(glob), 's');
}

/** Of a regular expression, for the flag `s`. */
export function globSource(glob: string): string {
  const source = glob.replaceAll(/\*\*\/|\*\*|\*|\?|[^*?]+/g, (part) => {
    if (part === '**/') return '(?:[^/]+/)*';
    if (part === '**') return '.*';
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    return part.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  });
  return `^${source}$`;
}
