// Indents JSON without reading its values: JSON.parse and JSON.stringify would round large integers, change how numbers
// are written and lose members that come twice.

const step = '  ';

/** The document with two spaces for each level; undefined for a text that is not one JSON document. */
export function prettyJson(text: string): string | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  const tokens = tokensOf(text);
  const parts: string[] = [];
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1];
    if (token === '{' || token === '[') {
      const isEmpty = next === '}' || next === ']';
      depth += 1;
      parts.push(isEmpty ? token : `${token}${lineBreak(depth)}`);
    } else if (token === '}' || token === ']') {
      const opener = tokens[index - 1];
      depth -= 1;
      parts.push(opener === '{' || opener === '[' ? token : `${lineBreak(depth)}${token}`);
    } else if (token === ',') parts.push(`,${lineBreak(depth)}`);
    else parts.push(token === ':' ? ': ' : token);
  }
  return parts.join('');
}

/** The document without white space between its parts; undefined for a text that is not one JSON document. */
export function compactJson(text: string): string | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return tokensOf(text).join('');
}

function tokensOf(text: string): string[] {
  return text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
}

function lineBreak(depth: number): string {
  return `\n${step.repeat(depth)}`;
}
