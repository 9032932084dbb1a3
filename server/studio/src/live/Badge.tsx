// `3 new changes`: a button that shows them, and the switch of follow mode beside it.
import { following } from './feed.ts';
import type { Unseen } from './unseen.ts';
import './live.css';

export function Badge({ unseen }: { readonly unseen: Unseen }) {
  const { count, show, feed } = unseen;
  const isFollowing = following.value;
  return (
    <span class="live-badge">
      {count > 0 && (
        <button type="button" class="live-count" onClick={show} title="Read again and show them">
          {count} new {count === 1 ? 'change' : 'changes'}
        </button>
      )}
      <button
        type="button"
        class="live-follow"
        aria-pressed={isFollowing}
        title={isFollowing ? 'Changes of others appear by themselves' : 'Let changes of others appear by themselves'}
        onClick={() => {
          following.value = !isFollowing;
          if (!isFollowing && count > 0) show();
        }}
      >
        <span class={`live-dot is-${feed.state.value}`} aria-hidden="true" />
        {isFollowing ? 'Following' : 'Follow'}
      </button>
    </span>
  );
}
