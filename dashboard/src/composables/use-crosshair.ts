import { type Ref, shallowRef } from 'vue'

const at = shallowRef<number>()

/** The time under the pointer, epoch milliseconds, shared by all charts of the page. */
export function useCrosshair(): Ref<number | undefined> {
  return at
}
