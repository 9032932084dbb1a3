// Where a key is.

export interface KeyPlace {
  readonly db: string;
  readonly table: string;
  readonly key: string;
}
