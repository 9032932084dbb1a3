// The page at the root of a server without the studio: says what this is and where to go on. No script, no style from
// elsewhere.
import type { ServerOptions } from '../../index.ts';

export function landingPage(options: ServerOptions): string {
  const where = options.mounted ? `mounted at ${options.root}` : `the files in ${options.root}, not mounted`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>hoody-sqlite</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}code,pre{background:#8882;border-radius:4px}pre{padding:.8rem;overflow:auto}</style>
<h1>hoody-sqlite ${escapeHtml(options.version)}</h1>
<p>SQLite databases over HTTP: ${escapeHtml(where)}.</p>
<p>The studio is not part of this copy of the program: <code>npm run build</code> makes it. The API works all the same.</p>
<pre>curl -X POST '/api/v1/sqlite/db?db=app&amp;create_db_if_missing=true' \\
  -d '{"transaction":[{"query":"SELECT 1 AS one"}]}'</pre>
<ul>
<li><a href="/api/v1/sqlite/db/list">Databases</a></li>
<li><a href="/api/v1/sqlite/health?verbose=true">Health</a></li>
<li><a href="/api/v1/sqlite/openapi.yaml">The API, described</a> (<a href="/api/v1/sqlite/openapi.json">JSON</a>)</li>
<li>Agents: <code>POST /mcp</code>, or <code>hoody-sqlite mcp</code> (Model Context Protocol)</li>
<li><a href="/metrics">Metrics</a></li>
</ul>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
