// What stands between the fields of a CSV file. Spreadsheets write a semicolon where the comma is the decimal point's.
import type { StudioCsvDelimiter } from './studio/files.ts';

export const csvDelimiters: Readonly<Record<StudioCsvDelimiter, string>> = { comma: ',', semicolon: ';', tab: '\t' };

export function isCsvDelimiter(text: string): text is StudioCsvDelimiter {
  return Object.hasOwn(csvDelimiters, text);
}

/**
 * By the first records as each delimiter cuts them: the one with the most columns, of those by which all records have
 * as many; where there is none, of all, so that an import names the odd record. The comma wins a tie. `fieldsOf`: how
 * many fields each of the first records has; empty where the file cannot be read so.
 */
export function guessDelimiter(fieldsOf: (delimiter: StudioCsvDelimiter) => readonly number[]): StudioCsvDelimiter {
  const tried = (['comma', 'semicolon', 'tab'] as const).map((delimiter) => {
    const fields = fieldsOf(delimiter);
    const [columns = 0] = fields;
    return { delimiter, columns, isEven: fields.every((count) => count === columns) };
  });
  const several = tried.filter(({ columns }) => columns > 1);
  const even = several.filter(({ isEven }) => isEven);
  const [best] = (even.length > 0 ? even : several).sort((a, b) => b.columns - a.columns);
  return best?.delimiter ?? 'comma';
}
