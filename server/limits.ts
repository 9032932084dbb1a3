// Every limit of the HTTP API in one place, unit in the name.

export const limits = {
  deadlineDefaultSeconds: 30,
  deadlineMaxSeconds: 300,

  headerBytes: 64 * 1024,
  urlBytes: 32 * 1024,
  /** A client that has not sent its whole header, or its whole body, by then is cut off. */
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 120_000,
  slowClientCheckMs: 1_000,
  keepAliveMs: 65_000,
  responseBytes: 32 * 1024 * 1024,

  transactionItems: 10_000,
  batchRows: 100_000,
  requestRows: 1_000_000,
  selectRows: 10_000,
  statementsPerItem: 1_000,
  jsonDepth: 1_000,

  queryHistoryKept: 1_000,
  queryHistoryPage: 100,
  queryHistorySqlChars: 4_096,
  queryHistoryFlushMs: 500,

  /** Executors in all; SQL may take `sqlExecutors` of them, so that key-value work always finds one. */
  executors: 10,
  sqlExecutors: 6,
  sqlPerDatabase: 4,
  executorIdleMs: 20_000,
  executorStartMs: 20_000,
  connectionsPerExecutor: 16,
  connectionIdleMs: 5_000,
  statementsPerConnection: 200,

  queuedJobs: 20_000,
  queuedBytes: 256 * 1024 * 1024,
  groupJobs: 256,
  groupBytes: 8 * 1024 * 1024,
  /** What a COMMIT may take beyond the deadline before the executor is killed all the same. */
  commitGraceMs: 10_000,
  killGraceMs: 150,
} as const;
