// What the key-value routes are compared with: Koa answering a small JSON object, listening on fd 3.
import Koa from 'koa';

const app = new Koa();
app.use((context) => {
  context.body = { success: true, key: 'counter', value: 1 };
});
app.listen({ fd: 3 }, () => process.send?.('ready'));
process.on('disconnect', () => process.exit(0));
