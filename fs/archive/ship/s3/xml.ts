// Reads the XML that S3 services answer. Pure.
//
// A reader of its own and no package: these answers are elements with text, of a dozen names, two or three levels deep.
// Packages read all of XML, and the rest of it (document types, entities of one's own, names that become properties)
// is where their faults were. What is more than elements with text is refused here.

export interface Element {
  readonly name: string;
  /** Without that of its children. */
  readonly text: string;
  readonly children: readonly Element[];
}

export class XmlError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'XmlError';
  }
}

const deepest = 16;
const piece = /<\?xml[^<>]*\?>|<(\/?)([A-Za-z_][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|[^<]+/y;

interface OpenElement {
  readonly name: string;
  readonly children: Element[];
  text: string;
}

/** The outermost element. @throws XmlError */
export function readXml(xml: string): Element {
  const outside: OpenElement = { name: '', text: '', children: [] };
  const open: OpenElement[] = [outside];
  piece.lastIndex = 0;
  while (piece.lastIndex < xml.length) {
    const at = piece.lastIndex;
    const found = piece.exec(xml);
    if (found === null) throw new XmlError(`unexpected content at ${at}`);
    const [whole, closing, name, , empty] = found;
    const innermost = open.at(-1) ?? outside;
    if (name === undefined) {
      if (!whole.startsWith('<')) innermost.text += unescaped(whole);
    } else if (closing === '/') {
      close(open, name);
    } else if (empty === '/') {
      innermost.children.push({ name, text: '', children: [] });
    } else {
      if (open.length > deepest) throw new XmlError('too many levels');
      open.push({ name, text: '', children: [] });
    }
  }
  const [root, ...others] = outside.children;
  if (open.length !== 1 || root === undefined || others.length > 0 || outside.text.trim() !== '') {
    throw new XmlError('not one whole element');
  }
  return root;
}

export function childrenOf(element: Element, name: string): readonly Element[] {
  return element.children.filter((child) => child.name === name);
}

/** Of the first child of that name; undefined where there is none. */
export function textOf(element: Element, name: string): string | undefined {
  return childrenOf(element, name)[0]?.text;
}

export function xmlText(text: string): string {
  return text.replace(/[&<>"'\r]/g, (char) => `&#${char.charCodeAt(0)};`);
}

function close(open: OpenElement[], name: string): void {
  const closed = open.length > 1 ? open.pop() : undefined;
  if (closed?.name !== name) throw new XmlError(`</${name}> closes nothing`);
  open.at(-1)?.children.push(closed);
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescaped(text: string): string {
  // A line end of the file is a line feed; only an escaped one is a carriage return.
  return text.replace(/\r\n?/g, '\n').replace(/&([^;&]*);?/g, (whole, name: string) => {
    const number = /^#(?:x([\da-fA-F]{1,6})|(\d{1,7}))$/.exec(name);
    const code = number === null ? undefined : Number.parseInt(number[1] ?? number[2] ?? '', number[1] ? 16 : 10);
    const char = code === undefined ? named[name] : code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
    if (char === undefined || !whole.endsWith(';')) throw new XmlError(`unknown entity ${whole.slice(0, 20)}`);
    return char;
  });
}
