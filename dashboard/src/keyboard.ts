/** Everything that has a key. */
export type KeyAction =
  | 'palette'
  | 'help'
  | 'search'
  | 'fleet'
  | 'alarms'
  | 'about'
  | 'pause'
  | 'live'
  | 'earlier'
  | 'later'
  | 'wider'
  | 'narrower'
  | 'theme'
  | 'zone'
  | 'tv'
  | 'csv'
  | 'copyLink'
  | 'down'
  | 'up'
  | 'acknowledge'
  | 'shelve'
  | 'open'
  | 'close'

export interface KeyBinding {
  readonly action: KeyAction
  /** Keys pressed one after another; `mod+k` with Ctrl or ⌘. */
  readonly keys: readonly string[]
  readonly does: string
  readonly where: 'Everywhere' | 'Charts' | 'Lists'
}

/** The one table of keys: the handler and the help page read it. */
export const keyBindings: readonly KeyBinding[] = [
  { action: 'palette', keys: ['mod+k'], does: 'Find a device, alarm or page', where: 'Everywhere' },
  { action: 'help', keys: ['?'], does: 'Show the keys', where: 'Everywhere' },
  { action: 'fleet', keys: ['g', 'f'], does: 'Go to the fleet', where: 'Everywhere' },
  { action: 'alarms', keys: ['g', 'a'], does: 'Go to the alarms', where: 'Everywhere' },
  { action: 'about', keys: ['g', 'h'], does: 'Go to help and about', where: 'Everywhere' },
  { action: 'theme', keys: ['t', 't'], does: 'Dark or light', where: 'Everywhere' },
  { action: 'zone', keys: ['t', 'u'], does: 'Local time or UTC', where: 'Everywhere' },
  { action: 'tv', keys: ['d', 'k'], does: 'TV mode on or off', where: 'Everywhere' },
  { action: 'copyLink', keys: ['y'], does: 'Copy a link to this view', where: 'Everywhere' },
  { action: 'pause', keys: [' '], does: 'Pause or go on', where: 'Charts' },
  { action: 'live', keys: ['l'], does: 'Back to live', where: 'Charts' },
  { action: 'earlier', keys: ['['], does: 'Half a window earlier', where: 'Charts' },
  { action: 'later', keys: [']'], does: 'Half a window later', where: 'Charts' },
  { action: 'wider', keys: ['-'], does: 'Wider window', where: 'Charts' },
  { action: 'narrower', keys: ['='], does: 'Narrower window', where: 'Charts' },
  { action: 'csv', keys: ['e'], does: 'Save the window as CSV', where: 'Charts' },
  { action: 'search', keys: ['/'], does: 'Filter devices', where: 'Lists' },
  { action: 'down', keys: ['j'], does: 'Next row', where: 'Lists' },
  { action: 'up', keys: ['k'], does: 'Previous row', where: 'Lists' },
  { action: 'open', keys: ['Enter'], does: 'Open the row', where: 'Lists' },
  { action: 'acknowledge', keys: ['a'], does: 'Acknowledge the alarm', where: 'Lists' },
  { action: 'shelve', keys: ['s'], does: 'Shelve the alarm for an hour', where: 'Lists' },
  { action: 'close', keys: ['Escape'], does: 'Close or leave', where: 'Lists' },
]

/** How a key is written for people. */
export function keyName(key: string): string {
  if (key === ' ') return 'Space'
  if (key === 'Escape') return 'Esc'
  return key.replace('mod+k', '⌘K / Ctrl K')
}
