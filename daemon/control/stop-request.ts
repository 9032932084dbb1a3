// What `hoody-sqlite stop` asks of the daemon.

export interface StopRequest {
  /** How long to wait for requests and programs; without it as long as the daemon was told at its start. */
  readonly drainSeconds?: number;
}
