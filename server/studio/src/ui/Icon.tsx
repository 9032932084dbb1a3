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
  download: 'M12 4v11m-4.5-4L12 15.500 16.500 11M5 20h14',
  edit: 'M5 19v-3.500L16 4.500l3.500 3.500L8.500 19H5Z',
  eye: 'M2.500 12S6 6 12 6s9.500 6 9.500 6-3.500 6-9.500 6-9.500-6-9.500-6Zm9.500-2.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5Z',
  filter: 'M4 5h16l-6.300 7.500V19l-3.400-1.800v-4.700L4 5Z',
  help: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm-2.500 6.800c0-3 5-3 5 0 0 1.900-2.500 2.100-2.500 4m0 2.700v.3',
  history: 'M4 5v4.500h4.500M4.400 9.400A8.200 8.200 0 1 1 4 13m8-5v4.500l3 1.700',
  key: 'M15.500 4a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9Zm-3.300 7.800L4 20m3-3 2.500 2.500',
  link: 'M10 14a4 4 0 0 0 6 .4l2.800-2.800a4 4 0 0 0-5.600-5.700L12 7m2 3a4 4 0 0 0-6-.4l-2.800 2.800a4 4 0 0 0 5.600 5.700L12 17',
  lock: 'M6 11h12v9H6zM8.500 11V7.500a3.500 3.500 0 0 1 7 0V11',
  menu: 'M4 7h16M4 12h16M4 17h16',
  minus: 'M5 12h14',
  moon: 'M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10Z',
  more: 'M5 11.500h.01v1h-.01zM12 11.500h.01v1h-.01zM19 11.500h.01v1h-.01z',
  panel: 'M4 5h16v14H4zM9 5v14',
  pin: 'M9 4h6l-1 6 3 3H7l3-3-1-6Zm3 9v7',
  play: 'M7 5v14l11-7L7 5Z',
  plus: 'M12 5v14M5 12h14',
  pulse: 'M3 12h4l2.500-6 5 12 2.500-6h4',
  refresh: 'M19 5v4.500h-4.500M19.600 9.400A8 8 0 1 0 20 13',
  rowPanel: 'M4 5h16v14H4zM15 5v14',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14Zm5 12 4.500 4.500',
  share:
    'M17 4a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5ZM7 9.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5Zm10 5.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5ZM9.200 10.800 14.800 7.700m-5.600 5.500 5.600 3.100',
  stop: 'M6 6h12v12H6z',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8Zm0-5v2m0 14v2M3 12h2m14 0h2M5.600 5.600 7 7m10 10 1.400 1.400M5.600 18.400 7 17M17 7l1.400-1.400',
  system: 'M4 5h16v11H4zM9 20h6m-3-4v4',
  table: 'M4 5h16v14H4zM4 10h16M10 10v9',
  terminal: 'm5 7 5 5-5 5m7 0h7',
  trash: 'M5 7h14M9.500 7V4.500h5V7M7 7l.8 13h8.400L17 7m-7 3.500v6m4-6v6',
  undo: 'M8 5 4 9l4 4M4 9h9.500a5.500 5.500 0 0 1 0 11H9',
  upload: 'M12 20V9m-4.500 4L12 8.500 16.500 13M5 4h14',
  view: 'M4 5h16v14H4zM4 9.500h16M8 13h8m-8 3h5',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 18 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
