// The two places where a database can work.
export const tierNames = ['ram', 'disk'] as const;
export type TierName = (typeof tierNames)[number];

export function tierNameOf(text: string | undefined): TierName | undefined {
  return tierNames.find((name) => name === text);
}
