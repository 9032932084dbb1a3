// A key as it is printed on a keyboard.
export function KeyText({ keys }: { readonly keys: string }) {
  return (
    <span class="keys">
      {keys.split(' ').map((part) => (
        <kbd key={part}>{part}</kbd>
      ))}
    </span>
  );
}
