/** How many facts a prefix has (docs/facts), for those of which every one is accounted for. */
export const counts: Readonly<Record<string, number>> = {
  APIGW: 110,
  MGMT: 20,
  LAMBDA: 28,
  EMF: 14,
  KINESIS: 35,
  DDB: 27,
  CFN: 24,
}

/** Items that say nothing of their own: they hold when those that follow them do. */
export const follows: Readonly<Record<string, readonly string[]>> = {
  'APIGW-71': ['APIGW-53'],
  'APIGW-99': ['APIGW-100', 'APIGW-101'],
}

const ofLibrary = 'about a library, not about AWS:'

/** Items without a test that are no difference either, with the reason. */
export const notApplicable: Readonly<Record<string, string>> = {
  'APIGW-109': 'the absence of a metric: none is published here either.',
  'MGMT-20': `${ofLibrary} which Node.js the SDK asks for.`,
  'DDB-17': `${ofLibrary} what dynalite has; the API here has what the tests of DDB-1–DDB-16 and DDB-18–DDB-21 use.`,
  'DDB-22': `${ofLibrary} UpdateTable of dynalite; indexes change with the template here.`,
  'DDB-26': `${ofLibrary} how fast dynalite is on a disk.`,
}
