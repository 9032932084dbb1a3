// The sample shop: 8 tables, 50,000 rows and two views, the same in every database, so that every view of the studio
// has something to show.
import type { NoArgs } from '../../messages/operation.ts';
import type { Connection } from '../connection.ts';
import { inWrite } from './writing.ts';

const firstNames =
  'Ada Grace Alan Edsger Barbara Donald Margaret Linus Radia Tim Frances Ken Hedy Dennis Katherine Niklaus';
const lastNames =
  'Lovelace Hopper Turing Dijkstra Liskov Knuth Hamilton Torvalds Perlman Lee Allen Thompson Lamarr Ritchie';
const towns = 'Bergen Lyon Porto Graz Ghent Turku Cork Brno Malmo Basel Leeds Genoa';
const goods = 'Lamp Chair Desk Kettle Bicycle Backpack Notebook Headphones Keyboard Blanket Clock Mug';
const kinds = 'small large classic foldable';

/** `json_each` of words, as a table of `key` (from 0) and `value`. */
function words(list: string): string {
  return `(SELECT key, value FROM json_each('${JSON.stringify(list.split(' '))}'))`;
}

/** A table `n(n)` of 1 .. count. */
function numbers(count: number): string {
  return `WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${count})`;
}

/** The word of a list at a place that depends on `n`. */
function pick(list: string, place: string): string {
  return `(SELECT value FROM ${words(list)} WHERE key = (${place}) % ${list.split(' ').length})`;
}

const statements: readonly string[] = [
  'CREATE TABLE categories (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)',
  `INSERT INTO categories SELECT key + 1, value || 's' FROM ${words(goods)}`,

  `CREATE TABLE products (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, category_id INTEGER NOT NULL REFERENCES categories, price REAL NOT NULL,
  in_stock INTEGER NOT NULL, details TEXT, thumbnail BLOB)`,
  `${numbers(288)} INSERT INTO products SELECT n,
  ${pick(goods, 'n - 1')} || ', ' || ${pick(kinds, '(n - 1) / 12')} || ' ' || (1 + n / 48), 1 + (n - 1) % 12,
  round(4.9 + (n * 7919) % 20000 / 100.0, 2), (n * 31) % 400,
  json_object('weight_g', 100 + (n * 37) % 9000, 'colours', json_array('black', 'oak', 'green'), 'fragile', n % 5 = 0),
  CASE WHEN n % 3 = 0 THEN randomblob(64) END FROM n`,

  `CREATE TABLE customers (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, town TEXT, joined TEXT NOT NULL, notes TEXT)`,
  `${numbers(2000)} INSERT INTO customers SELECT n, ${pick(firstNames, 'n')} || ' ' || ${pick(lastNames, 'n * 5 + n / 16')},
  'customer' || n || '@example.org', CASE WHEN n % 17 THEN ${pick(towns, 'n * 5')} END,
  date('2023-01-01', '+' || (n / 2) || ' days'), CASE n % 41 WHEN 0 THEN 'Calls on Mondays' WHEN 1 THEN '' END FROM n`,

  `CREATE TABLE addresses (
  customer_id INTEGER NOT NULL REFERENCES customers, kind TEXT NOT NULL, street TEXT NOT NULL, postcode TEXT,
  PRIMARY KEY (customer_id, kind)) WITHOUT ROWID`,
  `INSERT INTO addresses SELECT id, 'home', (1 + id % 140) || ' Harbour Street', printf('%05d', id * 37 % 99999)
  FROM customers`,
  `INSERT INTO addresses SELECT id, 'work', (1 + id % 90) || ' Mill Road', NULL FROM customers WHERE id % 5 = 0`,

  `CREATE TABLE orders (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers, placed TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'new', total REAL)`,
  `${numbers(9000)} INSERT INTO orders SELECT n, 1 + (n * n + n * 7) % 2000, datetime('2025-01-01', '+' || (n * 71) || ' minutes'),
  CASE WHEN n > 8900 THEN 'new' WHEN n % 23 = 0 THEN 'returned' WHEN n % 9 = 0 THEN 'sent' ELSE 'paid' END, NULL FROM n`,
  'CREATE INDEX orders_by_customer ON orders (customer_id, placed)',

  `CREATE TABLE order_items (
  order_id INTEGER NOT NULL REFERENCES orders, line INTEGER NOT NULL, product_id INTEGER NOT NULL REFERENCES products,
  quantity INTEGER NOT NULL CHECK (quantity > 0), price REAL NOT NULL, amount REAL AS (quantity * price) STORED,
  PRIMARY KEY (order_id, line))`,
  `INSERT INTO order_items (order_id, line, product_id, quantity, price)
  SELECT o.id, l.value, p.id, 1 + (o.id * l.value) % 3, p.price FROM orders o
  JOIN json_each('[1,2,3,4,5]') l ON l.value <= 1 + (o.id * 13) % 5 JOIN products p ON p.id = 1 + (o.id * 17 + l.value * 29) % 288`,
  'CREATE INDEX order_items_by_product ON order_items (product_id)',
  'UPDATE orders SET total = (SELECT round(sum(amount), 2) FROM order_items WHERE order_id = orders.id)',

  `CREATE TABLE reviews (
  id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL REFERENCES products, customer_id INTEGER REFERENCES customers,
  stars INTEGER NOT NULL CHECK (stars BETWEEN 1 AND 5), text TEXT)`,
  `${numbers(6000)} INSERT INTO reviews SELECT n, 1 + (n * 11) % 288, CASE WHEN n % 13 THEN 1 + (n * 3) % 2000 END,
  1 + (n * n) % 5, CASE n % 4 WHEN 0 THEN 'Just what I wanted.' WHEN 1 THEN 'Came late, works well.' WHEN 2 THEN
  'Would buy again \u{1F44D}' END FROM n`,

  `CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL UNIQUE REFERENCES orders, carrier TEXT NOT NULL, delivered TEXT)`,
  `INSERT INTO deliveries SELECT NULL, id, CASE id % 3 WHEN 0 THEN 'Post' WHEN 1 THEN 'Bicycle' ELSE 'Courier' END,
  CASE WHEN id % 19 THEN datetime(placed, '+' || (20 + id % 90) || ' hours') END
  FROM orders WHERE status <> 'new' AND id % 2`,

  `CREATE VIEW best_customers AS
  SELECT c.id, c.name, c.town, count(*) AS orders, round(sum(o.total), 2) AS spent
  FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.status <> 'returned'
  GROUP BY c.id ORDER BY spent DESC`,
  `CREATE VIEW sales_by_month AS
  SELECT strftime('%Y-%m', placed) AS month, count(*) AS orders, round(sum(total), 2) AS revenue
  FROM orders WHERE status <> 'returned' GROUP BY month ORDER BY month`,
  'ANALYZE',
];

export function fillSample(connection: Connection, clientIp: string): NoArgs {
  const options = { clientIp, dryRun: false, foreignKeys: true };
  inWrite(connection, options, () => {
    for (const statement of statements) connection.database.exec(statement);
  });
  return {};
}
