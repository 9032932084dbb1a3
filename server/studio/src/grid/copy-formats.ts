// The formats of clipboard.ts by name, apart from their code.

export type CopyFormat = 'tsv' | 'tsv with names' | 'csv' | 'json' | 'insert' | 'in list' | 'markdown';

export const copyFormats: readonly { readonly id: CopyFormat; readonly label: string }[] = [
  { id: 'tsv', label: 'Tab-separated text' },
  { id: 'tsv with names', label: 'Tab-separated, with column names' },
  { id: 'csv', label: 'CSV' },
  { id: 'json', label: 'JSON' },
  { id: 'insert', label: 'INSERT statements' },
  { id: 'in list', label: 'List for IN (...)' },
  { id: 'markdown', label: 'Markdown table' },
];
