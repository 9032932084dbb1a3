// Every limit of the HTTP API in one place, unit in the name.

export const limits = {
  deadlineDefaultSeconds: 30,
  deadlineMaxSeconds: 300,

  headerBytes: 64 * 1024,
  urlBytes: 32 * 1024,
  /**
   * Request bodies being read and answers not yet taken by their clients. Beyond half of it those that stand still are
   * cut off; beyond it reads wait and further large bodies are refused. At least four of the largest bodies.
   */
  transitBytes: 128 * 1024 * 1024,
  /** A connection on which nothing moves for longer than the longest deadline is closed. */
  idleSocketMs: 330_000,
  /** A client that has not sent its whole header, or its whole body, by then is cut off. */
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 120_000,
  slowClientCheckMs: 1_000,
  keepAliveMs: 65_000,
  responseBytes: 32 * 1024 * 1024,
  /** SQLite's messages may quote a statement of any length. */
  errorChars: 4_096,

  /** The longest that the mount lets one lock request wait before it is refused. */
  lockWaitMs: 5_000,
  /** How much of the time that is left then goes into SQLite's busy timeout; the rest is for the tries themselves. */
  busyTimeoutShare: 0.85,
  /** Streams of the lock monitor, how often each looks, and how long it stays silent at most. */
  lockStreams: 64,
  studioStreams: 256,
  lockStreamMs: 250,
  lockHeartbeatMs: 15_000,

  /** A file that is imported, and how many files are on their way to or from clients. */
  importBytes: 1024 * 1024 * 1024,
  /** A record of CSV, which stands in the executor's memory several times over; JSON is parsed, which takes more. */
  importRecordBytes: 128 * 1024 * 1024,
  importJsonBytes: 64 * 1024 * 1024,
  transfers: 8,

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
  /** After a database was locked for too long to write its history. */
  queryHistoryRetryMs: 5_000,

  /**
   * Executors in all. Long work (SQL, scans of KV tables) and background work leave three to the short key-value work.
   */
  executors: 10,
  longExecutors: 6,
  /** Half of them, so that one database never keeps the long work of all others waiting. */
  longPerDatabase: 3,
  /** Of these, SQL that may write: it may wait for the lock of another program, and what reads never waits for it. */
  writingSqlPerDatabase: 2,
  writingSqlExecutors: 4,
  /** Whatever may wait for such a lock leaves the rest to reads. */
  writingExecutors: 8,
  /** An executor is left to the reads of few rows by everything else. */
  executorsBesideKvReads: 9,
  backgroundExecutors: 3,
  longAndBackgroundExecutors: 7,
  /** Background work that finds its database locked for so long lets that of other databases go first. */
  backgroundLockMs: 1_000,
  /** Transactions that go on between requests: each has an executor of its own, beside those above. */
  sessions: 8,
  sessionsPerDatabase: 4,
  /** A client that is silent for so long loses its transaction while somebody waits for it, and else after so long. */
  sessionIdleWaitedForMs: 2_000,
  sessionIdleMs: 10_000,
  /** Whoever waits for a transaction longer than this, however busy its client is, gets its turn. */
  sessionWaitMs: 4_000,
  /** How often sessions are looked at, and how long an ended one is remembered. */
  sessionCheckMs: 250,
  sessionRememberedMs: 300_000,
  /** What a session that has to end gets to finish the request that it is at work on. */
  sessionEndMs: 500,
  /** Streams without a transaction whose SQL texts are kept for the next request, and the length of all texts. */
  storedStreams: 1_000,
  storedChars: 16 * 1024 * 1024,
  /** WebSockets of libSQL clients, and what each may have open and at work. */
  sockets: 1_000,
  socketStreams: 128,
  socketRequests: 128,
  socketPingMs: 30_000,
  executorIdleMs: 20_000,
  executorStartMs: 20_000,
  /** What idle executors get to close their databases when the server stops. */
  executorEndMs: 2_000,
  connectionsPerExecutor: 16,
  connectionIdleMs: 5_000,
  statementsPerConnection: 200,

  queuedJobs: 20_000,
  /** Arguments that wait or are at work; at least four of the largest bodies. */
  queuedBytes: 128 * 1024 * 1024,
  groupJobs: 256,
  /**
   * So many waiting jobs go out before this turn of the event loop is over, so that server and executor work at once.
   */
  eagerGroupJobs: 16,
  groupBytes: 8 * 1024 * 1024,
  /** A longer body of SQL has a transaction of its own. */
  sharedBodyBytes: 64 * 1024,
  /** Requests of SQL that share a transaction: when the time is up, those that have not begun go into the next one. */
  sharedRunMs: 50,
  /** When one of them takes so long, nothing of the transaction is done; that one runs again alone. */
  sharedMostMs: 250,
  /** While a group of SQL takes no longer, the next one of its database and lane waits for it. */
  quickWriteMs: 100,
  quickReadMs: 5,
  /** Beside that, for each request of the group: many quick ones together are no slow one. */
  quickReadPerJobMs: 0.25,
  /** With so much to answer a group ends; its other jobs go into the next one. */
  groupAnswerBytes: 8 * 1024 * 1024,
  /** What an interrupted group gets to end by itself before its executor is killed. */
  interruptGraceMs: 1_000,
  /** The same of one that its client has cancelled, and waits for the end of. */
  cancelGraceMs: 100,
  /** How long work on a file waits for reads of other databases before those are ended and started again. */
  givingWayMs: 500,
  /** How long the answer to a missed deadline waits to learn whether a lock was the reason. */
  lockQuestionMs: 250,
  /** What a COMMIT may take beyond the deadline before the executor is killed all the same. */
  commitGraceMs: 10_000,
  /** What is kept of a deadline for the answer when work waits for a lock. */
  answerReserveMs: 150,
} as const;
