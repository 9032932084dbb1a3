// Says that the server is away. Nothing on the page is lost meanwhile.
import { connection } from '../api/client.ts';
import { Icon } from '../ui/Icon.tsx';

export function ConnectionBanner() {
  if (connection.value === 'connected') return null;
  return (
    <div class="banner" role="alert">
      <Icon name="alert" size={16} />
      The server does not answer. Trying again; staged edits are kept.
    </div>
  );
}
