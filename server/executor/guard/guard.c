/*
** A loadable extension that makes SQLite itself the guard of every connection of an executor: an authorizer that judges
** each operation of each statement by the rules that rules.ts hands over, SQLite's own reading of "text" (DQS), a
** thread that interrupts the job which runs now when the server asks for it, the bytes of texts, and where a
** write-ahead log ends.
**
** guard.ts loads this file twice, into SQLite (hoody_guard_init) and through dlopen (all other functions): both get the
** same instance. SQL cannot reach a function of the second kind, so no statement can change who acts.
**
** State is one per process: an executor runs one job at a time. It links to nothing but what the process has loaded.
*/
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sqlite3ext.h"
SQLITE_EXTENSION_INIT1

#define EXPORT __attribute__((visibility("default")))

/* ---- The rules ---- */

/* Who acts; values of whoBits in guard.ts. */
enum { SERVER = 1, MAINTENANCE = 2, SQL = 4, QUERY = 8 };

/* Lists are patterns separated by newlines; NULL matches everything. The first rule that matches decides. */
struct rule {
  uint64_t operations;    /* bit N: action code N of sqlite3_set_authorizer() */
  const char *names;
  const char *arguments;  /* an empty one: no argument; '' : an empty argument */
  const char *through;    /* the view that asks; its star stands for the same text as the name's star */
  int in_drop;            /* only in a statement that drops or alters something */
  int allowed;            /* bits of who */
  int taints;
};

enum { MAX_RULES = 64, INTERRUPT_AGAIN_MS = 2 };
static struct rule rules[MAX_RULES];
static int rule_count;

static int who = SERVER;
static int is_drop, is_tainted;
static int is_viewing;   /* a rule with `through` matched in this statement */
static int is_writing;   /* the statement writes a table, not only the schema */
static int denied_rule = -2;   /* -1: no rule matched; -2: nothing was denied */
static int denied_operation;
static char denied_name[256], denied_argument[256];

static int is_same(const char *one, const char *other, size_t length){
  return sqlite3_strnicmp(one, other, (int)length)==0;
}

/* Whether `text` fits the pattern of `length` bytes, which holds at most one star; the star stands for *star. */
static int fits(const char *pattern, size_t length, const char *text, const char **star, size_t *star_length){
  size_t text_length = strlen(text);
  const char *at = memchr(pattern, '*', length);
  if( at==0 ) return text_length==length && is_same(pattern, text, length);
  size_t before = (size_t)(at - pattern), after = length - before - 1;
  if( text_length < before + after ) return 0;
  *star = text + before;
  *star_length = text_length - before - after;
  return is_same(pattern, text, before) && is_same(at + 1, text + text_length - after, after);
}

static int fits_any(const char *list, const char *text, const char **star, size_t *star_length){
  for(;;){
    const char *end = strchr(list, '\n');
    size_t length = end ? (size_t)(end - list) : strlen(list);
    if( fits(list, length, text, star, star_length) ) return 1;
    if( end==0 ) return 0;
    list = end + 1;
  }
}

/* What an operation is about: up to two names, and an argument. */
struct subject { const char *name, *second, *argument; };

static struct subject subject_of(int operation, const char *a, const char *b){
  switch( operation ){
    case SQLITE_FUNCTION: case SQLITE_ALTER_TABLE: return (struct subject){ b, 0, 0 };
    case SQLITE_CREATE_INDEX: case SQLITE_CREATE_TEMP_INDEX: case SQLITE_DROP_INDEX: case SQLITE_DROP_TEMP_INDEX:
    case SQLITE_CREATE_TRIGGER: case SQLITE_CREATE_TEMP_TRIGGER: case SQLITE_DROP_TRIGGER:
    case SQLITE_DROP_TEMP_TRIGGER: return (struct subject){ a, b, 0 };
    default: return (struct subject){ a, 0, b };
  }
}

static int matches(const struct rule *rule, int operation, const struct subject *subject, const char *context){
  const char *star = "", *through_star = "";
  size_t length = 0, through_length = 0;
  if( !(rule->operations >> operation & 1) || (rule->in_drop && !is_drop) ) return 0;
  if( rule->names && !(subject->name && fits_any(rule->names, subject->name, &star, &length))
   && !(subject->second && fits_any(rule->names, subject->second, &star, &length)) ) return 0;
  if( rule->arguments ){
    const char *given = subject->argument, *ignored;
    size_t ignored_length;
    if( given==0 ) given = "";
    else if( given[0]==0 ) given = "''";
    if( !fits_any(rule->arguments, given, &ignored, &ignored_length) ) return 0;
  }
  if( rule->through==0 ) return 1;
  /* Where a view is merged into the statement, SQLite asks without its name for a table of which no column is read. */
  if( context==0 ) return is_viewing && subject->argument && subject->argument[0]==0;
  if( !fits_any(rule->through, context, &through_star, &through_length) ) return 0;
  return through_length==length && is_same(star, through_star, length);
}

static int is_own(const char *name){
  return name!=0 && is_same(name, "hoody:kv_", 9);
}

static int is_write(int operation){
  return operation==SQLITE_INSERT || operation==SQLITE_UPDATE || operation==SQLITE_DELETE;
}

/*
** Triggers run inside the statements of others: ours act for the server, everybody else's for the user. SQLite gives
** the name of a CTE or view as context too, but only for what reads: a write inside a context is a trigger's. A CTE may
** bear the name of a trigger of ours, and nothing here tells them apart. So inside such a name a user gets no more than
** our triggers need: our tables, and only after the write that fires them.
*/
static int actor(int operation, const char *name, const char *context){
  if( context==0 ) return who;
  if( !is_own(context) ) return is_write(operation) && who==SERVER ? SQL : who;
  if( who & (SERVER | MAINTENANCE) ) return SERVER;
  int is_needed = is_own(name) && (is_write(operation) || operation==SQLITE_READ);
  return who==SQL && is_writing && is_needed ? SERVER : who;
}

static int deny(int rule, int operation, const struct subject *subject){
  if( denied_rule==-2 ){
    const char *name = subject->name ? subject->name : subject->second;
    denied_rule = rule;
    denied_operation = operation;
    snprintf(denied_name, sizeof denied_name, "%s", name ? name : "");
    snprintf(denied_argument, sizeof denied_argument, "%s", subject->argument ? subject->argument : "");
  }
  return SQLITE_DENY;
}

static int authorize(void *unused, int operation, const char *a, const char *b, const char *schema,
    const char *context){
  (void)unused;
  struct subject subject = subject_of(operation, a, b);
  int acting = actor(operation, subject.name, context), i;
  if( is_write(operation) && !is_same(subject.name, "sqlite_", 7) ) is_writing = 1;
  for(i = 0; i<rule_count; i++){
    if( matches(&rules[i], operation, &subject, context) ) break;
  }
  int is_known = i<rule_count;
  if( !((is_known ? rules[i].allowed : SERVER | MAINTENANCE) & acting) ){
    return deny(is_known ? i : -1, operation, &subject);
  }
  if( is_known && rules[i].through ) is_viewing = 1;
  if( acting & (SQL | QUERY) ){
    /* CREATE TABLE temp.t is not told apart from CREATE TABLE t but by the schema. */
    if( (is_known && rules[i].taints) || (schema && sqlite3_stricmp(schema, "temp")==0) ) is_tainted = 1;
  }
  switch( operation ){
    case SQLITE_DROP_TABLE: case SQLITE_DROP_TEMP_TABLE: case SQLITE_DROP_VIEW: case SQLITE_DROP_TEMP_VIEW:
    case SQLITE_DROP_VTABLE: case SQLITE_ALTER_TABLE: is_drop = 1;
  }
  return SQLITE_OK;
}

/* Adds a rule; the texts are copied. @returns its index, or -1 */
EXPORT int hoody_guard_rule(uint64_t operations, const char *names, const char *arguments, const char *through,
    int in_drop, int allowed, int taints){
  if( rule_count==MAX_RULES ) return -1;
  rules[rule_count] = (struct rule){ operations, names ? strdup(names) : 0, arguments ? strdup(arguments) : 0,
    through ? strdup(through) : 0, in_drop, allowed, taints };
  return rule_count++;
}

/* Who acts from now on. Forgets what was denied. */
EXPORT void hoody_guard_act_as(int acting){
  who = acting;
  is_drop = is_viewing = is_writing = 0;
  denied_rule = -2;
}

/* The first thing that was denied since hoody_guard_act_as(): "rule operation\tname\targument", or NULL. */
EXPORT const char *hoody_guard_denial(void){
  static char text[sizeof denied_name + sizeof denied_argument + 32];
  if( denied_rule==-2 ) return 0;
  snprintf(text, sizeof text, "%d\t%d\t%s\t%s", denied_rule, denied_operation, denied_name, denied_argument);
  return text;
}

/* Whether a user was allowed something that stays on the connection since the last call. */
EXPORT int hoody_guard_take_taint(void){
  int taint = is_tainted;
  is_tainted = 0;
  return taint;
}

/* ---- Interrupts ---- */

struct connection { sqlite3 *db; uint64_t number; struct connection *next; };

/* Guards all below: sqlite3_interrupt() must not meet a connection that is being closed. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct connection *connections;
static uint64_t last_number;  /* of the connection that was opened last */
static uint64_t running_job;  /* 0: none */
static uint64_t asked_job;    /* the last job whose interrupt was asked for */
static int descriptor = -1;

/*
** A job may be between two statements, where an interrupt has no effect: so it is interrupted again and again until it
** ends. One that ended, or has not begun, is left alone: the number of the job that runs is compared under the mutex.
*/
static int interrupt_if_asked(void){
  int is_asked;
  pthread_mutex_lock(&mutex);
  is_asked = running_job!=0 && running_job==asked_job;
  if( is_asked ) for(struct connection *one = connections; one; one = one->next) sqlite3_interrupt(one->db);
  pthread_mutex_unlock(&mutex);
  return is_asked;
}

/* Reads job numbers, 8 bytes each in the machine's byte order. Ends with the other side. */
static void *watch(void *unused){
  unsigned char bytes[8];
  size_t filled = 0;
  (void)unused;
  for(;;){
    struct pollfd ready = { descriptor, POLLIN, 0 };
    int count = poll(&ready, 1, interrupt_if_asked() ? INTERRUPT_AGAIN_MS : -1);
    if( count==0 || (count<0 && errno==EINTR) ) continue;
    ssize_t length = count<0 ? -1 : read(descriptor, bytes + filled, sizeof bytes - filled);
    if( length<0 && (errno==EINTR || errno==EAGAIN) ) continue;
    if( length<=0 ) return 0;
    filled += (size_t)length;
    if( filled<sizeof bytes ) continue;
    filled = 0;
    pthread_mutex_lock(&mutex);
    memcpy(&asked_job, bytes, sizeof asked_job);
    pthread_mutex_unlock(&mutex);
  }
}

/* Starts the thread that reads job numbers from `fd`. @returns 0 or an errno */
EXPORT int hoody_guard_listen(int fd){
  pthread_t thread;
  sigset_t all, before;
  if( descriptor>=0 ) return EBUSY;
  descriptor = fd;
  /* Signals are Node's to handle. */
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&thread, 0, watch, 0);
  pthread_sigmask(SIG_SETMASK, &before, 0);
  if( error==0 ) pthread_detach(thread);
  return error;
}

/* From now on `job` may be interrupted. @returns 1 when that was asked for already: then it must not run */
EXPORT int hoody_guard_begin(uint64_t job){
  pthread_mutex_lock(&mutex);
  running_job = job;
  int is_asked = job!=0 && asked_job==job;
  pthread_mutex_unlock(&mutex);
  return is_asked;
}

/* From now on nothing is interrupted. @returns 1 when the job that ran was asked to end */
EXPORT int hoody_guard_end(void){
  pthread_mutex_lock(&mutex);
  int was_asked = running_job!=0 && running_job==asked_job;
  running_job = 0;
  pthread_mutex_unlock(&mutex);
  /*
  ** An interrupt that hit no statement is kept until the next one is prepared or run. Where there is none, close
  ** would find it and leave the WAL behind. This thread is the only one that opens and closes connections.
  */
  if( was_asked ) for(struct connection *one = connections; one; one = one->next){
    sqlite3_stmt *nothing = 0;
    sqlite3_prepare_v2(one->db, "", -1, &nothing, 0);
  }
  return was_asked;
}

/* ---- Text as bytes ---- */

/* What has produced the newest row, on whatever connection. */
static sqlite3_stmt *row_of;

static int on_row(unsigned type, void *unused, void *statement, void *nothing){
  (void)type, (void)unused, (void)nothing;
  row_of = statement;
  return 0;
}

/*
** Copies the text in a column of the newest row, at most `size` bytes. Only between two steps of the statement that
** has produced it. @returns the length of the text
*/
EXPORT int hoody_guard_row_text(int column, unsigned char *bytes, int size){
  int length = sqlite3_column_bytes(row_of, column);
  const void *text = sqlite3_column_blob(row_of, column);
  if( text && length>0 && size>0 ) memcpy(bytes, text, (size_t)(length<size ? length : size));
  return length;
}

/* ---- Connections ---- */

static sqlite3 *database_of(uint64_t number){
  for(struct connection *one = connections; one; one = one->next) if( one->number==number ) return one->db;
  return 0;
}

/* The number of the connection that was opened last. */
EXPORT uint64_t hoody_guard_last_connection(void){
  return last_number;
}

/* Where in its text, in bytes, the last statement of the connection is wrong, or -1. To be asked first of all. */
EXPORT int hoody_guard_error_offset(uint64_t number){
  sqlite3 *db = database_of(number);
  return db ? sqlite3_error_offset(db) : -1;
}

/* ---- Where a write-ahead log ends ---- */

enum { INDEX_BLOCK_BYTES = 32768, INDEX_HEADER_WORDS = 12, INDEX_TRIES = 1000 };

/*
** Tells where the write-ahead log ends, by the header of its index as SQLite itself has it mapped (WalIndexHdr in
** wal.c): change counter, last frame, two words of checksum, two words of salt as they stand in the log; then how many
** pages the connection has written. Only for a connection that has a transaction in WAL mode, or has just ended one:
** for others SQLite would make an index. @returns 0 where there is none, or a writer was stopped in the middle of it
*/
EXPORT int hoody_guard_log_end(uint64_t number, uint32_t *end){
  sqlite3 *db = database_of(number);
  sqlite3_file *file = 0;
  void volatile *block = 0;
  uint32_t first[INDEX_HEADER_WORDS], second[INDEX_HEADER_WORDS];
  int written = 0, highest = 0, tries, i;
  if( db==0 || sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file)!=SQLITE_OK ) return 0;
  if( file==0 || file->pMethods==0 || file->pMethods->iVersion<2 || file->pMethods->xShmMap==0 ) return 0;
  if( file->pMethods->xShmMap(file, 0, INDEX_BLOCK_BYTES, 0, &block)!=SQLITE_OK || block==0 ) return 0;
  const volatile uint32_t *words = block;
  /* A writer changes the second copy first. */
  for(tries = 0; tries<INDEX_TRIES; tries++){
    for(i = 0; i<INDEX_HEADER_WORDS; i++) first[i] = words[i];
    __sync_synchronize();
    for(i = 0; i<INDEX_HEADER_WORDS; i++) second[i] = words[INDEX_HEADER_WORDS + i];
    if( memcmp(first, second, sizeof first)==0 ) break;
  }
  if( tries==INDEX_TRIES || ((unsigned char *)first)[12]!=1 ) return 0;
  sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_WRITE, &written, &highest, 0);
  end[0] = first[2];
  end[1] = first[4];
  end[2] = first[6];
  end[3] = first[7];
  end[4] = __builtin_bswap32(first[8]);
  end[5] = __builtin_bswap32(first[9]);
  end[6] = (uint32_t)written;
  return 1;
}

static void forget(void *pointer){
  struct connection *closed = pointer, **at;
  pthread_mutex_lock(&mutex);
  for(at = &connections; *at && *at!=closed; at = &(*at)->next);
  if( *at ) *at = closed->next;
  pthread_mutex_unlock(&mutex);
  free(closed);
}

EXPORT int hoody_guard_init(sqlite3 *db, char **message, const sqlite3_api_routines *api){
  (void)message;
  SQLITE_EXTENSION_INIT2(api);
  struct connection *opened = malloc(sizeof *opened);
  if( opened==0 ) return SQLITE_NOMEM;
  opened->db = db;
  opened->number = ++last_number;
  int rc = sqlite3_set_clientdata(db, "hoody_guard", opened, forget);
  if( rc!=SQLITE_OK ) return rc;
  pthread_mutex_lock(&mutex);
  opened->next = connections;
  connections = opened;
  pthread_mutex_unlock(&mutex);
  rc = sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 1, (int *)0);
  if( rc==SQLITE_OK ) rc = sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 1, (int *)0);
  if( rc==SQLITE_OK ) rc = sqlite3_set_authorizer(db, authorize, 0);
  if( rc==SQLITE_OK ) rc = sqlite3_trace_v2(db, SQLITE_TRACE_ROW, on_row, 0);
  return rc;
}
