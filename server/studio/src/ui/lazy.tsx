// A component whose code is loaded when it is first shown, or a moment before by `preload`.
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { toastError } from './Toast.tsx';

export interface LazyComponent<Props> {
  (props: Props): ReturnType<typeof Nothing>;
  readonly preload: () => void;
}

export function tellUnloaded(): void {
  toastError('This part of the page could not be loaded. Is the server there?');
}

function Nothing() {
  return null as preact.JSX.Element | null;
}

export function lazy<Props extends object>(load: () => Promise<ComponentType<Props>>): LazyComponent<Props> {
  let loaded: ComponentType<Props> | undefined;
  let loading: Promise<void> | undefined;
  const fetchOnce = () => {
    loading ??= load().then(
      (component) => {
        loaded = component;
      },
      () => {
        loading = undefined;
        tellUnloaded();
      },
    );
    return loading;
  };
  function Lazy(props: Props) {
    const [, setLoads] = useState(0);
    const Component = loaded;
    useEffect(() => {
      // Whether it was there when this was drawn: a preload may have ended since.
      if (Component === undefined) void fetchOnce().then(() => setLoads(1));
    }, []);
    return Component === undefined ? Nothing() : <Component {...props} />;
  }
  return Object.assign(Lazy, { preload: () => void fetchOnce() });
}
