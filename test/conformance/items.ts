/** How many items each letter of the behaviour sheet has, for the sections that every item is accounted for. */
export const counts: Readonly<Record<string, number>> = {
  W: 110,
  M: 20,
  L: 28,
  E: 14,
  K: 35,
  D: 27,
  C: 24,
}

/** Items that say nothing of their own: they hold when those that follow them do. */
export const follows: Readonly<Record<string, readonly string[]>> = {
  W71: ['W53'],
  W99: ['W100', 'W101'],
}

const ofLibrary = 'about a library, not about AWS:'

/** Items without a test that are no difference either, with the reason. */
export const notApplicable: Readonly<Record<string, string>> = {
  W109: 'the absence of a metric: none is published here either.',
  M20: `${ofLibrary} which Node.js the SDK asks for.`,
  D17: `${ofLibrary} what dynalite has; the API here has what the tests of D1–D16 and D18–D21 use.`,
  D22: `${ofLibrary} UpdateTable of dynalite; indexes change with the template here.`,
  D26: `${ofLibrary} how fast dynalite is on a disk.`,
}
