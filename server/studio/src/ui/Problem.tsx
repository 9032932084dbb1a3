// An error in the place where its data would be, with a way to try again.
import { ApiError, errorText } from '../api/client.ts';
import { Icon } from './Icon.tsx';

interface Props {
  readonly error: unknown;
  readonly onRetry?: () => void;
}

export function Problem({ error, onRetry }: Props) {
  const holder = error instanceof ApiError ? error.holder : undefined;
  return (
    <div class="problem" role="alert">
      <Icon name="alert" />
      <div>
        <p>{typeof error === 'string' ? error : errorText(error)}</p>
        {holder !== undefined && (
          <p class="muted">
            {holder.command} (pid {holder.pid}
            {holder.container === '' ? '' : ` in ${holder.container}`}) holds {holder.lock}.
          </p>
        )}
      </div>
      {onRetry !== undefined && (
        <button type="button" class="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
