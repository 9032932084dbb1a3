// On a phone: from one thing back to the list that it stands in.
import { linkTo, route } from '../location.ts';
import { Icon } from './Icon.tsx';

export function BackLink({ label }: { readonly label: string }) {
  return (
    <a class="icon-button" href={linkTo({ view: route.value.view, params: {} })} aria-label={label} title={label}>
      <Icon name="arrowLeft" />
    </a>
  );
}
