// Prints the version of an installed package, and fails where it cannot be loaded.   version.mjs PACKAGE
import { readFileSync } from 'node:fs';

const name = process.argv[2];
await import(name);
await import('better-sqlite3');
process.stdout.write(JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version);
