// What the server asks about databases in RAM, and what it is answered. Databases are named below the root.

export type TierQuestion =
  | { readonly op: 'list' }
  | { readonly op: 'set'; readonly database: string; readonly tier: 'ram' | 'disk' };

export type TierAnswer<Value> =
  | { readonly ok: true; readonly value: Value }
  /** `off`: no database can be in RAM. */
  | { readonly ok: false; readonly code: 'off' | 'refused'; readonly message: string };

/** A program that has a database open. */
export interface TierHolder {
  readonly pid: number;
  readonly command: string;
}

export interface SetTier {
  /** False without holders: it was there already. */
  readonly isMoved: boolean;
  /** They have it open: it moves when they have closed it. */
  readonly holders: readonly TierHolder[];
}

export interface TieredDatabase {
  readonly path: string;
  readonly sizeBytes: number;
  readonly journal: string;
  /** How long the oldest commit without a durable copy may be there; 0: all have one. */
  readonly lagMs: number;
  readonly lagBytes: number;
  readonly trouble?: string;
}

export interface TierList {
  readonly directory: string;
  readonly databases: readonly TieredDatabase[];
  /** Databases that cannot be opened, and why. */
  readonly refused: Readonly<Record<string, string>>;
  /** Moves that wait until no program has the database open any more. */
  readonly pending: Readonly<
    Record<string, { readonly tier: 'ram' | 'disk'; readonly holders: readonly TierHolder[] }>
  >;
  readonly usedBytes: number;
  readonly sizeBytes: number;
}
