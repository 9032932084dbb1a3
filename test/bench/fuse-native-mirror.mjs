// The baseline of the README's table: a plain loopback mirror on the fuse-native package, served by Node's event loop.
//   node test/bench/fuse-native-mirror.mjs DATA_DIRECTORY MOUNT_POINT   prints "mounted", ends with its standard input
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { join } from 'node:path';

const Fuse = createRequire(import.meta.url)('fuse-native');
const [dataDir, mountPoint] = process.argv.slice(2);
const at = (path) => join(dataDir, path);
const errnoOf = (error) => -Math.abs(error.errno ?? constants.errno.EIO);
/** Calls back with 0, or with the errno of a Node function that failed. */
const done = (callback) => (error) => callback(error ? errnoOf(error) : 0);

const operations = {
  getattr: (path, callback) => fs.lstat(at(path), (error, stat) => callback(error ? errnoOf(error) : 0, stat)),
  fgetattr: (_path, fd, callback) => fs.fstat(fd, (error, stat) => callback(error ? errnoOf(error) : 0, stat)),
  readdir: (path, callback) => fs.readdir(at(path), (error, names) => callback(error ? errnoOf(error) : 0, names)),
  open: (path, flags, callback) =>
    fs.open(at(path), flags & 3, (error, fd) => callback(error ? errnoOf(error) : 0, fd)),
  create: (path, mode, callback) =>
    fs.open(at(path), 'w+', mode, (error, fd) => callback(error ? errnoOf(error) : 0, fd)),
  read: (_path, fd, buffer, length, position, callback) =>
    fs.read(fd, buffer, 0, length, position, (error, size) => callback(error ? errnoOf(error) : size)),
  write: (_path, fd, buffer, length, position, callback) =>
    fs.write(fd, buffer, 0, length, position, (error, size) => callback(error ? errnoOf(error) : size)),
  fsync: (_path, _isDataOnly, fd, callback) => fs.fsync(fd, done(callback)),
  fsyncdir: (_path, _isDataOnly, _fd, callback) => callback(0),
  release: (_path, fd, callback) => fs.close(fd, done(callback)),
  truncate: (path, size, callback) => fs.truncate(at(path), size, done(callback)),
  ftruncate: (_path, fd, size, callback) => fs.ftruncate(fd, size, done(callback)),
  unlink: (path, callback) => fs.unlink(at(path), done(callback)),
  rename: (from, to, callback) => fs.rename(at(from), at(to), done(callback)),
  mkdir: (path, mode, callback) => fs.mkdir(at(path), mode, done(callback)),
  rmdir: (path, callback) => fs.rmdir(at(path), done(callback)),
  chmod: (path, mode, callback) => fs.chmod(at(path), mode, done(callback)),
  chown: (path, uid, gid, callback) => fs.chown(at(path), uid, gid, done(callback)),
};

const fuse = new Fuse(mountPoint, operations, { force: true, mkdir: true });
fuse.mount((error) => {
  if (error) throw error;
  process.stdout.write('mounted\n');
});
process.stdin.resume();
process.stdin.on('end', () => fuse.unmount(() => process.exit(0)));
