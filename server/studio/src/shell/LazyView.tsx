// Shows a view, and loads its code the first time.
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Problem } from '../ui/Problem.tsx';
import type { View } from '../views.ts';

const loaded = new Map<string, ComponentType>();

export function LazyView({ view }: { readonly view: View }) {
  const [, setLoads] = useState(0);
  const [error, setError] = useState<unknown>(null);
  const load = () => {
    setError(null);
    view.load().then(
      (module) => {
        loaded.set(view.id, module.default);
        setLoads((count) => count + 1);
      },
      (cause: unknown) => setError(cause),
    );
  };
  const Component = loaded.get(view.id);
  useEffect(() => {
    // Whether it was there when this was drawn: another one may have loaded it since.
    if (Component === undefined) load();
  }, [view]);
  if (Component !== undefined) return <Component />;
  return error === null ? (
    <div class="loading" aria-busy="true" />
  ) : (
    <Problem error="This part of the page could not be loaded. Is the server there?" onRetry={load} />
  );
}
