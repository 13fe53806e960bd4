import { inject } from 'vitest'
import type {} from './shared-system-setup.ts'
import type { RunningSystem } from './system.ts'

/** What a file may use of a system that others use after it: not its end. */
export type SharedSystem = Pick<RunningSystem, 'endpoints' | 'stateDir'>

/**
 * The one running system of the project `e2e`; its files use it one after another. Each takes names of its own (devices, users) and leaves no
 * fault behind.
 */
export async function sharedSystem(): Promise<SharedSystem> {
  const response = await fetch(inject('sharedSystem'))
  if (!response.ok) throw new Error(await response.text())
  return (await response.json()) as SharedSystem
}
