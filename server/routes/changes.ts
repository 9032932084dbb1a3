// The rows of the change feed. Contract section 8.
import type { Route } from '../http/route.ts';

export const changeRoutes: readonly Route[] = [];
