// The route table: every endpoint of the server. The router runs on it and OpenAPI is generated from it.
import type { Route } from '../http/route.ts';
import { databaseRoutes } from './databases.ts';
import { kvRoutes } from './kv.ts';
import { libsqlRoutes } from './libsql/routes.ts';
import { lockRoutes } from './locks.ts';
import { mcpRoutes } from './mcp/routes.ts';
import { historyRoutes } from './query-history.ts';
import { sqlRoutes } from './sql.ts';
import { studioRoutes } from './studio/routes.ts';
import { systemRoutes } from './system.ts';
import { tierRoutes } from './tier.ts';
import { timeMachineRoutes } from './time-machine.ts';
import { unstorageRoutes } from './unstorage/routes.ts';
import { upstashRoutes } from './upstash/routes.ts';

export const routes: readonly Route[] = [
  ...sqlRoutes,
  ...databaseRoutes,
  ...timeMachineRoutes,
  ...tierRoutes,
  ...historyRoutes,
  ...kvRoutes,
  ...upstashRoutes,
  ...unstorageRoutes,
  ...libsqlRoutes,
  ...lockRoutes,
  ...studioRoutes,
  ...mcpRoutes(() => routes),
  ...systemRoutes(() => routes),
];
