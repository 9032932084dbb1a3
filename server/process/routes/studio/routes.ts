// What the studio's page is made of: itself, and everything below /api/v1/sqlite/studio. messages/studio/ describes
// it.
import type { Route } from '../../http/route.ts';
import { studioEditRoutes } from './edits.ts';
import { studioFileRoutes } from './files.ts';
import { studioKvRoutes } from './kv.ts';
import { studioLiveRoutes } from './live.ts';
import { pageRoutes } from './page.ts';
import { studioSampleRoutes } from './sample.ts';
import { studioShareRoutes } from './shares.ts';
import { studioSqlRoutes } from './sql.ts';
import { studioTableRoutes } from './tables.ts';

export const studioRoutes: readonly Route[] = [
  ...pageRoutes(),
  ...studioTableRoutes,
  ...studioEditRoutes,
  ...studioSqlRoutes,
  ...studioKvRoutes,
  ...studioLiveRoutes,
  ...studioFileRoutes,
  ...studioShareRoutes,
  ...studioSampleRoutes,
];
