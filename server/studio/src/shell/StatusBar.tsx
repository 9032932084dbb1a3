// The bar at the bottom of a wide page. Everything in it is also told where it matters.
import { connection } from '../api/client.ts';
import { database, overview, readOnly, schema } from '../session.ts';
import { liveStatus, lockStatus, viewStatus } from '../status.ts';
import { fileSize } from '../ui/sizes.ts';

export function StatusBar() {
  const known = schema.value;
  return (
    <footer class="status-bar">
      <span class={connection.value === 'connected' ? 'status-ok' : 'status-bad'}>
        {connection.value === 'connected' ? 'connected' : 'not connected'}
      </span>
      {viewStatus.value !== '' && <span>{viewStatus}</span>}
      <span class="spacer" />
      {lockStatus.value !== '' && <span>locks: {lockStatus}</span>}
      {liveStatus.value !== '' && <span>live: {liveStatus}</span>}
      {known !== null && database.value !== null && (
        <>
          <span title="Journal mode">{known.journalMode.toUpperCase()}</span>
          <span title="Size of the file">{fileSize(known.bytes)}</span>
        </>
      )}
      <AccessSwitch />
    </footer>
  );
}

function AccessSwitch() {
  if (overview.value === null) return null;
  if (overview.value.access === 'read') return <span title="The token may only read">read token</span>;
  return (
    <button
      type="button"
      class="status-switch"
      aria-pressed={readOnly.value}
      title={readOnly.value ? 'Allow editing' : 'Hide all that edits'}
      onClick={() => {
        readOnly.value = !readOnly.value;
      }}
    >
      {readOnly.value ? 'read only' : 'read-write'}
    </button>
  );
}
