// The rows of the key-value store in the route table.
import type { Route } from '../http/route.ts';

export const kvRoutes: readonly Route[] = [];
