/** Where the system runs: an address per region, each with its own devices, history and alarms. */
export interface Region {
  readonly region: string
  /** `wss://…/stage`. */
  readonly websocket: string
}

/** In this browser: the region that a person chose last. */
const STORED = 'gaugeline.region'

/**
 * The region to show: the one that the address asks for (`?region=us-east-1`), else the one that was chosen last, else the first, which is the
 * page's own. A name that is not in the list is not followed: it may be of a region that is gone.
 */
export function chosenRegion(
  regions: readonly [Region, ...Region[]],
  asked: string | null,
): Region {
  const named = (name: string | null): Region | undefined =>
    regions.find(({ region }) => region === name)
  return named(asked) ?? named(localStorage.getItem(STORED)) ?? regions[0]
}

/**
 * Shows another region from now on. The page begins anew: nothing that is kept in it (series, gaps, alarms) is true of another region, and the
 * token is as good there.
 */
export function switchRegion(region: string): void {
  localStorage.setItem(STORED, region)
  location.assign('/')
}
