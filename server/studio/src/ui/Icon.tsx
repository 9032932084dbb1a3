// The icons of the page: strokes on a grid of 24, in the colour of the text around them. Decoration only: the control
// that shows one carries the words.

const paths = {
  alert: 'M12 4 3 20h18L12 4Zm0 6v4.5m0 2.6v.4',
  arrowDown: 'M12 5v14m-5-5 5 5 5-5',
  arrowLeft: 'M19 12H5m5-5-5 5 5 5',
  arrowUp: 'M12 19V5m-5 5 5-5 5 5',
  cards: 'M4 5h16v6H4zM4 14h16v5H4z',
  chart: 'M4 20h16M7 16v-5m5 5V6m5 10v-7',
  check: 'm5 13 4.5 4.5L19 7',
  chevronDown: 'm6 9 6 6 6-6',
  chevronRight: 'm9 6 6 6-6 6',
  clock: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm0 4.5V12l3 2',
  close: 'm6 6 12 12M18 6 6 18',
  columns: 'M4 5h16v14H4zM10 5v14m5-14v14',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  database:
    'M4 6c0-1.7 3.6-3 8-3s8 1.3 8 3-3.6 3-8 3-8-1.3-8-3Zm0 0v12c0 1.7 3.6 3 8 3s8-1.3 8-3V6M4 12c0 1.7 3.6 3 8 3s8-1.3 8-3',
  download: 'M12 4v11m-4.5-4L12 15.5 16.5 11M5 20h14',
  edit: 'M5 19v-3.5L16 4.5l3.5 3.5L8.5 19H5Z',
  eye: 'M2.5 12S6 6 12 6s9.5 6 9.5 6-3.5 6-9.5 6-9.5-6-9.5-6Zm9.5-2.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5Z',
  filter: 'M4 5h16l-6.3 7.5V19l-3.4-1.8v-4.7L4 5Z',
  help: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm-2.5 6.8c0-3 5-3 5 0 0 1.9-2.5 2.1-2.5 4m0 2.7v.3',
  history: 'M4 5v4.5h4.5M4.4 9.4A8.2 8.2 0 1 1 4 13m8-5v4.5l3 1.7',
  key: 'M15.5 4a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9Zm-3.3 7.8L4 20m3-3 2.5 2.5',
  link: 'M10 14a4 4 0 0 0 6 .4l2.8-2.8a4 4 0 0 0-5.6-5.7L12 7m2 3a4 4 0 0 0-6-.4l-2.8 2.8a4 4 0 0 0 5.6 5.7L12 17',
  lock: 'M6 11h12v9H6zM8.5 11V7.5a3.5 3.5 0 0 1 7 0V11',
  menu: 'M4 7h16M4 12h16M4 17h16',
  minus: 'M5 12h14',
  moon: 'M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z',
  more: 'M5 11.5h.01v1h-.01zM12 11.5h.01v1h-.01zM19 11.5h.01v1h-.01z',
  panel: 'M4 5h16v14H4zM9 5v14',
  pin: 'M9 4h6l-1 6 3 3H7l3-3-1-6Zm3 9v7',
  play: 'M7 5v14l11-7L7 5Z',
  plus: 'M12 5v14M5 12h14',
  pulse: 'M3 12h4l2.5-6 5 12 2.5-6h4',
  refresh: 'M19 5v4.5h-4.5M19.6 9.4A8 8 0 1 0 20 13',
  rowPanel: 'M4 5h16v14H4zM15 5v14',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14Zm5 12 4.5 4.5',
  share:
    'M17 4a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5ZM7 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5Zm10 5.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5ZM9.2 10.8 14.8 7.7m-5.6 5.5 5.6 3.1',
  stop: 'M6 6h12v12H6z',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8Zm0-5v2m0 14v2M3 12h2m14 0h2M5.6 5.6 7 7m10 10 1.4 1.4M5.6 18.4 7 17M17 7l1.4-1.4',
  system: 'M4 5h16v11H4zM9 20h6m-3-4v4',
  table: 'M4 5h16v14H4zM4 10h16M10 10v9',
  terminal: 'm5 7 5 5-5 5m7 0h7',
  trash: 'M5 7h14M9.5 7V4.5h5V7M7 7l.8 13h8.4L17 7m-7 3.5v6m4-6v6',
  undo: 'M8 5 4 9l4 4M4 9h9.5a5.5 5.5 0 0 1 0 11H9',
  upload: 'M12 20V9m-4.5 4L12 8.5 16.5 13M5 4h14',
  view: 'M4 5h16v14H4zM4 9.5h16M8 13h8m-8 3h5',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 18 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
