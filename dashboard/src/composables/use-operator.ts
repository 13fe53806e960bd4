import { computed, type ComputedRef, type ShallowRef, shallowRef } from 'vue'
import { failureWords } from '../format/failure-words.ts'
import { useConnection } from './use-connection.ts'

/** What a panel needs from which an operator sends something. */
export interface Operator {
  /** The person has a role that may do more than look. */
  readonly mayAct: ComputedRef<boolean>
  /** And the connection is live: what is sent now arrives. */
  readonly canAct: ComputedRef<boolean>
  /** Why the last attempt failed, in a sentence; undefined when it did not. */
  readonly failure: Readonly<ShallowRef<string | undefined>>
  /** Gives true when the request was answered well. */
  attempt: (request: Promise<unknown>) => Promise<boolean>
}

export function useOperator(): Operator {
  const connection = useConnection()
  const failure = shallowRef<string>()
  const mayAct = computed(() =>
    (connection.value.welcome?.roles ?? []).some((role) => role !== 'viewer'),
  )
  const canAct = computed(() => mayAct.value && connection.value.phase === 'live')

  async function attempt(request: Promise<unknown>): Promise<boolean> {
    failure.value = undefined
    try {
      await request
      return true
    } catch (error) {
      failure.value = failureWords(error)
      return false
    }
  }
  return { mayAct, canAct, failure, attempt }
}
