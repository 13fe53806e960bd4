/** A person of the local user pool. */
export interface DemoUser {
  readonly username: string
  readonly name: string
  /** What the card on the sign-in page says about them. */
  readonly summary: string
  /** Cognito groups. */
  readonly groups: readonly string[]
  /** `custom:devices`: topic filters. */
  readonly devices: readonly string[]
}

/** Everybody's password; shown on the page, because it protects nothing but a demo on this machine. */
export const DEMO_PASSWORD = 'gaugeline'

export const demoUsers: readonly DemoUser[] = [
  {
    username: 'ana',
    name: 'Ana Ferreira',
    summary: 'Operator, plant 1. Watches and commands her plant.',
    groups: ['operator'],
    devices: ['plant-1/#'],
  },
  {
    username: 'vic',
    name: 'Vic Okafor',
    summary: 'Viewer, plant 2. Watches, touches nothing.',
    groups: ['viewer'],
    devices: ['plant-2/#'],
  },
  {
    username: 'olli',
    name: 'Olli Laine',
    summary: 'On call. Every plant, every alarm.',
    groups: ['operator'],
    devices: ['#'],
  },
  {
    username: 'ada',
    name: 'Ada Brandt',
    summary: 'Administrator. May also revoke people and tokens.',
    groups: ['admin'],
    devices: ['#'],
  },
]
