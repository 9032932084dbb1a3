// Two programs that ship to the same place would overwrite each other's history.
export class ShipConflict extends Error {
  constructor(database: string, url: string) {
    super(`another program ships ${database} to ${url}: give each daemon a URL of its own`);
    this.name = 'ShipConflict';
  }
}
