// Numbers and sizes as people read them.

const units = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** `2.1 KB`, in steps of 1024. */
export function fileSize(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

const grouped = new Intl.NumberFormat('en-US');

/** `41,200` */
export function count(value: number): string {
  return grouped.format(value);
}

/** `1 file`, `41,200 files` */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** `1 row`, `41,200 rows` */
export function rowsText(rows: number): string {
  return counted(rows, 'row');
}
