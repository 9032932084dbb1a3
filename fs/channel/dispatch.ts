// Which function answers which operation: adding one is a row here and a function. INIT, the locks and the opens are
// the session's.
import * as attributes from '../nodes/attributes.ts';
import * as directories from '../nodes/directories.ts';
import * as files from '../nodes/files.ts';
import * as names from '../nodes/names.ts';
import type { Tree } from '../nodes/tree.ts';
import type { Operation, Request, RequestOf } from '../protocol/requests.ts';
import { SILENT } from '../protocol/results.ts';

type SessionOperation = 'INIT' | 'GETLK' | 'SETLK' | 'SETLKW' | 'FLUSH' | 'INTERRUPT' | 'DESTROY' | 'OPEN' | 'CREATE';
type TreeOperation = Exclude<Operation, SessionOperation>;
type Handlers = { readonly [Op in TreeOperation]: (tree: Tree, asked: RequestOf<Op>, out: Buffer) => number };
export type TreeRequest = Extract<Request, { op: TreeOperation }>;
export type Dispatch = (tree: Tree, asked: TreeRequest, out: Buffer) => number;

const handlers: Handlers = {
  LOOKUP: names.lookUp,
  FORGET: (tree, asked) => {
    tree.nodes.forget(asked.nodeId, asked.count);
    return SILENT;
  },
  BATCH_FORGET: (tree, asked) => {
    for (const { nodeId, count } of asked.forgotten) tree.nodes.forget(nodeId, count);
    return SILENT;
  },
  GETATTR: attributes.getAttributes,
  SETATTR: attributes.setAttributes,
  READLINK: attributes.readLink,
  STATFS: attributes.statFileSystem,
  SYMLINK: names.makeSymbolicLink,
  MKNOD: names.makeNode,
  MKDIR: names.makeDirectory,
  LINK: names.makeLink,
  UNLINK: names.unlinkFile,
  RMDIR: names.removeDirectory,
  RENAME: names.rename,
  READ: files.readFile,
  WRITE: files.writeFile,
  FSYNC: files.syncFile,
  FALLOCATE: files.allocate,
  LSEEK: files.seek,
  COPY_FILE_RANGE: files.copyRange,
  RELEASE: files.releaseFile,
  READDIR: directories.readDirectory,
  READDIRPLUS: directories.readDirectoryPlus,
  FSYNCDIR: directories.syncDirectory,
};

/** Payload size, negative errno or SILENT. */
export function dispatch(tree: Tree, asked: TreeRequest, out: Buffer): number {
  // The table has this very function for this very request, which the type system cannot follow through the index.
  const handler = handlers[asked.op] as (tree: Tree, asked: TreeRequest, out: Buffer) => number;
  return handler(tree, asked, out);
}
