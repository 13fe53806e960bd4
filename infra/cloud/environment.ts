import type { env } from '../../backend/src/contract.ts'

type EnvironmentName = (typeof env)[keyof typeof env]

/** Variables of a function, by their names in contract.ts. */
export type Environment = Readonly<Partial<Record<EnvironmentName, string>>>
